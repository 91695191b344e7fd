from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from decimal import Decimal
from importlib import resources
from pathlib import Path

import pytest
import typer
import yaml
from made_certificate import cell, certificate_text
from typer.testing import CliRunner

from chanflow.domain.errors import SettingsInvalid
from chanflow.domain.market_data import LEVEL_MS
from chanflow.interfaces.cli.doctor import doctor
from chanflow.runtime.certificates import install
from chanflow.runtime.home import Home
from chanflow.runtime.settings import Loaded, config_hash, data_directory, load_settings, setting_keys, setting_value

GOLDEN_HASH = "763e4813b23e55516836f995348b133b4ef155a1881fb49306fd7bce7561f0d9"


@pytest.fixture(autouse=True)
def in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _load(
    *overrides: str, environ: dict[str, str] | None = None, file: str | None = None, dotenv: str | None = None
) -> Loaded:
    config = None
    if file is not None:
        config = Path("desk.yaml")
        config.write_text(file, encoding="utf-8")
    if dotenv is not None:
        Path(".env").write_text(dotenv, encoding="utf-8")
    return load_settings(config=config, overrides=overrides, environ={"HOME": "/home/me"} | (environ or {}))


def _refusal(*overrides: str, **sources: object) -> str:
    with pytest.raises(SettingsInvalid) as caught:
        _load(*overrides, **sources)  # type: ignore[arg-type]
    message = str(caught.value)
    assert "\n" not in message
    return message


def _leaves(tree: dict[str, object], prefix: str = "") -> list[str]:
    return [
        leaf
        for name, value in tree.items()
        for leaf in (_leaves(value, f"{prefix}{name}.") if value and isinstance(value, dict) else [f"{prefix}{name}"])
    ]


def test_the_defaults_file_and_the_model_agree_key_for_key() -> None:
    text = resources.files("chanflow.runtime").joinpath("defaults.yaml").read_text(encoding="utf-8")
    assert _leaves(yaml.safe_load(text)) == list(setting_keys())


def test_the_defaults_are_in_force_when_nothing_is_said() -> None:
    loaded = _load()
    assert set(loaded.origins.values()) == {"default"}
    assert tuple(loaded.origins) == setting_keys()
    assert loaded.settings.symbols == ("BTCUSDT",)
    assert loaded.settings.risk.min_margin_ratio == Decimal("0.20")
    assert loaded.settings.execution.mode == "paper"


@pytest.mark.parametrize("level", LEVEL_MS)
def test_every_level_of_bars_can_be_chosen(level: str) -> None:
    assert _load(f"signals.level={level}").settings.signals.level == level


def test_the_strongest_source_wins_and_is_named() -> None:
    name = "CHANFLOW_HTTP__PORT"
    file, dotenv, environ = "http: {port: 1}", f"{name}=2", {name: "3"}
    stack = (
        _load(),
        _load(file=file),
        _load(file=file, dotenv=dotenv),
        _load(file=file, dotenv=dotenv, environ=environ),
        _load("http.port=4", "http.port=5", file=file, dotenv=dotenv, environ=environ),
    )
    assert [(loaded.settings.http.port, loaded.origins["http.port"]) for loaded in stack] == [
        (8000, "default"),
        (1, "file desk.yaml"),
        (2, f".env {name}"),
        (3, f"env {name}"),
        (5, "flag --set"),
    ]


def test_a_weaker_source_keeps_what_a_stronger_one_leaves_open() -> None:
    loaded = _load("risk.max_leverage=3", file='risk: {max_drawdown: "0.08", ladder: {paper_start: L1}}')
    risk = loaded.settings.risk
    assert (risk.max_leverage, risk.max_drawdown, risk.ladder.paper_start, risk.max_trade_loss) == (
        Decimal(3),
        Decimal("0.08"),
        "L1",
        Decimal("0.03"),
    )
    assert loaded.origins["risk.ladder.paper_start"] == "file desk.yaml"


def test_levels_of_the_tree_are_two_underscores_in_the_environment() -> None:
    loaded = _load(environ={"CHANFLOW_RISK__LADDER__PAPER_START": "L2"})
    assert loaded.settings.risk.ladder.paper_start == "L2"


def test_symbols_are_listed_with_commas_in_text_and_as_a_list_in_a_file() -> None:
    text = _load("symbols=BTCUSDT, ETHUSDT").settings.symbols
    assert text == _load(file="symbols: [BTCUSDT, ETHUSDT]").settings.symbols == ("BTCUSDT", "ETHUSDT")


def test_settings_are_frozen() -> None:
    settings = _load().settings
    with pytest.raises(ValueError, match="frozen"):
        settings.risk.max_leverage = Decimal(100)


LOOSER = [
    ("min_margin_ratio", "0.19", "at least 0.20"),
    ("max_drawdown", "0.11", "at most 0.10"),
    ("max_daily_loss", "0.06", "at most 0.05"),
    ("max_leverage", "5.01", "at most 5"),
    ("min_cash_reserve", "0.09", "at least 0.10"),
    ("max_asset_exposure", "0.31", "at most 0.30"),
    ("max_trade_loss", "0.031", "at most 0.03"),
    ("price_collar", "0.02", "at most 0.01"),
]
TIGHTER = ["0.5", "0.05", "0.01", "1", "0.5", "0.1", "0.02", "0.001"]


@pytest.mark.parametrize(("key", "value", "bound"), LOOSER)
def test_a_hard_limit_cannot_be_loosened(key: str, value: str, bound: str) -> None:
    limit = bound.rpartition(" ")[2]
    assert _refusal(f"risk.{key}={value}") == (
        f"risk.{key} is {value}, the hard limit is {limit} and may only be tightened: set {bound} (from flag --set)"
    )


@pytest.mark.parametrize(("key", "value"), [(row[0], tight) for row, tight in zip(LOOSER, TIGHTER, strict=True)])
def test_a_hard_limit_can_be_tightened(key: str, value: str) -> None:
    assert setting_value(_load(f"risk.{key}={value}").settings, f"risk.{key}") == Decimal(value)


MONEY = [
    *(f"risk.{row[0]}" for row in LOOSER),
    "risk.slippage_bps",
    "risk.target_trade_loss",
    "execution.capital_quote",
    "analyst.reward_risk",
    "budget.max_usd_per_hour",
    "budget.max_usd_per_day",
    "budget.max_usd_per_month",
]


@pytest.mark.parametrize("key", MONEY)
def test_money_is_never_a_float(key: str) -> None:
    section, leaf = key.split(".")
    assert _refusal(file=f"{section}: {{{leaf}: 0.01}}") == (
        f'{key} is the float 0.01, and money is exact: write it as text, like "0.1" (from file desk.yaml)'
    )
    assert isinstance(setting_value(_load().settings, key), Decimal)


@pytest.mark.parametrize("value", ["-1", "NaN", "Infinity", "much"])
@pytest.mark.parametrize("key", MONEY)
def test_money_is_a_finite_positive_number(key: str, value: str) -> None:
    assert f"{key} is " in _refusal(f"{key}={value}")


@pytest.mark.parametrize("key", MONEY)
def test_no_money_may_be_zero(key: str) -> None:
    assert f"{key} is " in _refusal(f"{key}=0")


@pytest.mark.parametrize("mode", ["live", "shadow"])
def test_a_desk_without_venues_does_not_go_live(mode: str) -> None:
    assert _refusal(f"execution.mode={mode}") == (
        f"execution.mode is {mode}, but this version trades no real money: set hold or paper (from flag --set)"
    )


def test_a_desk_can_hold() -> None:
    assert _load("execution.mode=hold").settings.execution.mode == "hold"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("risk.max_levrage=3", "risk.max_levrage is no setting (from flag --set); did you mean risk.max_leverage?"),
        ("rsk=3", "rsk is no setting (from flag --set); did you mean risk?"),
        (
            "risk=3",
            "risk is a section, no setting (from flag --set): set one of its keys, like risk.min_margin_ratio",
        ),
        (
            "risk.max_leverage",
            "--set risk.max_leverage has no value: write --set key=value, like --set risk.max_leverage=3",
        ),
        ("=3", "the empty name is no setting (from flag --set)"),
        ("http.port=high", "http.port is 'high': input should be a valid integer"),
        ("http.port=65536", "http.port is '65536': input should be less than or equal to 65535 (from flag --set)"),
        ("signals.min_score=1.5", "signals.min_score is '1.5': input should be less than or equal to 1"),
        ("signals.level=2m", "signals.level is '2m': input should be '1s', '5s', "),
        ("risk.ladder.paper_start=L4", "risk.ladder.paper_start is 'L4': input should be 'L0', 'L1', 'L2' or 'L3'"),
        ("symbols=", "symbols is ''"),
        ("symbols=BTCUSDT,b/c", "symbols is 'b/c': "),
        ("symbols=AAA,AAA", "symbols is AAA, AAA: each symbol may be named once (from flag --set)"),
        ("market.z_warmup_s=301", "market: z_warmup_s is 301, allowed is up to z_window_s, 300"),
        ("risk.max_trade_loss=0.005", "risk: target_trade_loss is 0.01, allowed is up to max_trade_loss, 0.005"),
    ],
)
def test_a_wrong_flag_is_refused_in_one_sentence(override: str, message: str) -> None:
    assert _refusal(override).startswith(message)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("CHANFLOW_RSK__MAX_LEVERAGE", "; did you mean CHANFLOW_RISK__MAX_LEVERAGE?"),
        ("CHANFLOW_HOEM", "; did you mean CHANFLOW_HOME?"),
        ("CHANFLOW_RISK__MAX_LEVRAGE", "; did you mean CHANFLOW_RISK__MAX_LEVERAGE?"),
    ],
)
@pytest.mark.parametrize("source", ["env", ".env"])
def test_an_unknown_variable_of_ours_is_refused_with_the_nearest_name(name: str, near: str, source: str) -> None:
    sources = {"environ": {name: "1"}} if source == "env" else {"dotenv": f"{name}=1"}
    assert _refusal(**sources) == f"{name} is no variable of ours (from {source}){near}"


def test_variables_beside_the_tree_and_of_others_are_let_be() -> None:
    names = (
        "CHANFLOW_HOME",
        "CHANFLOW_URL",
        "CHANFLOW_API_KEY",
        "CHANFLOW_KEYS_PASSPHRASE",
        "CHANFLOW_TEST_DATA",
        "PATH",
    )
    loaded = _load(environ=dict.fromkeys(names, "/x"))
    assert set(loaded.origins.values()) == {"default"}


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (
            "risk:\n  max_leverage: '3'\n  max_leverage: '4'",
            "desk.yaml line 3: max_leverage stands twice in one section",
        ),
        ("http: {port: 1}\nhttp: {port: 2}", "desk.yaml line 2: http stands twice in one section: keep one"),
        ("rsk: {max_leverage: '3'}", "rsk is no setting (from file desk.yaml); did you mean risk?"),
        ("risk: {max_levrage: '3'}", "risk.max_levrage is no setting (from file desk.yaml); did you mean"),
        ("risk:", "risk is a section, no setting (from file desk.yaml)"),
        ("risk: {max_leverage: {x: 1}}", "risk.max_leverage is {'x': 1}: "),
        ("http: {port: yes}", "http.port is True, a number is needed (from file desk.yaml)"),
        ("signals: {min_score: .nan}", "signals.min_score is nan: "),
        ("http: [", "desk.yaml line 1: "),
        ("http: \x07", "desk.yaml is no YAML: "),
        ("- http", "desk.yaml is no mapping of sections"),
        ("http: !!python/object:os.system {}", "desk.yaml line 1: could not determine a constructor"),
        (
            "http: {host: '${NOBODY_SET}'}",
            "http.host needs the environment variable NOBODY_SET, which is not set (from",
        ),
    ],
)
def test_a_wrong_file_is_refused_in_one_sentence(file: str, message: str) -> None:
    assert _refusal(file=file).startswith(message)


def test_a_file_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(SettingsInvalid, match=r"^absent\.yaml cannot be read: no such file or directory$"):
        load_settings(config=Path("absent.yaml"), overrides=(), environ={})
    Path("latin.yaml").write_bytes(b"http: {host: caf\xe9}")
    with pytest.raises(SettingsInvalid, match=r"^latin\.yaml is no UTF-8 text"):
        load_settings(config=Path("latin.yaml"), overrides=(), environ={})


def test_an_empty_file_changes_nothing() -> None:
    assert _load(file="# nothing yet\n").settings == _load().settings


def test_names_in_a_file_are_filled_from_the_environment_and_the_dotenv() -> None:
    file = "http: {host: 'desk.${ZONE}'}\nsymbols: ['${COIN}USDT']\nrisk: {max_leverage: '${LEV}'}"
    settings = _load(file=file, dotenv="ZONE=lan\nCOIN=ETH", environ={"COIN": "BTC", "LEV": "2"}).settings
    assert (settings.http.host, settings.symbols, settings.risk.max_leverage) == (
        "desk.lan",
        ("BTCUSDT",),
        Decimal(2),
    )


def test_a_dotenv_may_have_comments_quotes_and_exports() -> None:
    dotenv = """
# where the doors are
export CHANFLOW_HTTP__PORT = 9000   # not 8000
CHANFLOW_HTTP__HOST="0.0.0.0"  # all
CHANFLOW_SIGNALS__LEVEL='1m'
OTHER=
"""
    settings = _load(dotenv=dotenv).settings
    assert (settings.http.port, settings.http.host, settings.signals.level) == (9000, "0.0.0.0", "1m")


@pytest.mark.parametrize(
    ("dotenv", "message"),
    [
        ("A=1\nCHANFLOW_HTTP__PORT", ".env line 2 is not NAME=value"),
        ("A=1\nA=2", ".env line 2 sets A a second time: keep one"),
    ],
)
def test_a_wrong_dotenv_is_refused_by_its_line(dotenv: str, message: str) -> None:
    assert _refusal(dotenv=dotenv) == message


def test_a_dotenv_is_read_in_the_working_directory_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("CHANFLOW_HTTP__PORT=9")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert _load().settings.http.port == 8000


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("linux", {}, "/home/me/.local/share/chanflow"),
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data/chanflow"),
        ("linux", {"XDG_DATA_HOME": "relative"}, "/home/me/.local/share/chanflow"),
        ("linux", {"CHANFLOW_HOME": "/desk", "XDG_DATA_HOME": "/data"}, "/desk"),
        ("linux", {"CHANFLOW_HOME": ""}, "/home/me/.local/share/chanflow"),
        ("darwin", {"XDG_DATA_HOME": "/data"}, "/home/me/Library/Application Support/chanflow"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/chanflow"),
        ("win32", {}, "/home/me/AppData/Local/chanflow"),
    ],
)
def test_the_data_directory_is_the_platforms_or_ours(platform: str, environ: dict[str, str], expected: str) -> None:
    assert data_directory({"HOME": "/home/me"} | environ, platform=platform) == Path(expected)


def test_a_relative_home_is_taken_from_the_working_directory(tmp_path: Path) -> None:
    loaded = _load(dotenv="CHANFLOW_HOME=.chanflow")
    assert (loaded.home, loaded.home_origin) == (tmp_path / ".chanflow", ".env CHANFLOW_HOME")


def test_the_process_environment_is_read_when_none_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANFLOW_HOME", str(tmp_path / "desk"))
    monkeypatch.setenv("CHANFLOW_HTTP__PORT", "7")
    loaded = load_settings(config=None, overrides=())
    assert (loaded.home, loaded.home_origin, loaded.settings.http.port) == (
        tmp_path / "desk",
        "env CHANFLOW_HOME",
        7,
    )


def test_the_hash_of_the_defaults_is_the_golden_one() -> None:
    assert config_hash(_load().settings) == GOLDEN_HASH


@pytest.mark.parametrize(
    "overrides",
    [["execution.capital_quote=10000.00"], ["risk.max_leverage=5.0"], ["http.port=8000"], ["signals.min_score=5e-2"]],
)
def test_the_hash_sees_values_not_spellings(overrides: Sequence[str]) -> None:
    assert config_hash(_load(*overrides, environ={"CHANFLOW_HOME": "/elsewhere"}).settings) == GOLDEN_HASH


@pytest.mark.parametrize(
    "override",
    [
        "symbols=ETHUSDT",
        "lake.rotate_max_s=60",
        "signals.min_score=0.06",
        "analyst.reward_risk=2.5",
        "agents.analyst.temperature=0.1",
        "budget.max_usd_per_day=1",
        'providers={"local": {"kind": "ollama"}}',
        "risk.max_leverage=4",
        "risk.ladder.paper_start=L1",
        "execution.mode=hold",
        "bus.group_limit=511",
        "http.port=8001",
        "access.required=true",
        "mcp.toolsets=read",
    ],
)
def test_the_hash_sees_every_section(override: str) -> None:
    assert config_hash(_load(override).settings) != GOLDEN_HASH


def test_importing_the_doctor_imports_no_settings() -> None:
    code = "import sys, chanflow.interfaces.cli.doctor; print(sorted({'pydantic', 'yaml'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def _doctor(tmp_path: Path, home: Path, *arguments: str) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(doctor)
    environ = {"CHANFLOW_HOME": str(home), "CHANFLOW_HTTP__PORT": "9", "COLUMNS": "200"}
    result = CliRunner().invoke(app, list(arguments), env=environ)
    return result.exit_code, result.stdout


def test_doctor_names_the_certificates_and_why_one_is_refused(tmp_path: Path) -> None:
    home = Home(tmp_path / "desk")
    assert "certificates    none: points show no figures" in _doctor(tmp_path, home.root)[1]
    path = install(home, certificate_text(cell(), cell(interval="5m"), params={"macd_algo": "area"}), "default")
    (home.certificates_dir / "x.json").write_text("{")
    code, printed = _doctor(tmp_path, home.root)
    assert code == 0
    assert f"{path.name}: preset default macd_algo=area, crypto 1m, crypto 5m\n" in printed
    assert "refused: x.json is damaged: invalid JSON" in printed


def test_doctor_prints_each_value_with_its_origin(tmp_path: Path) -> None:
    code, printed = _doctor(tmp_path, tmp_path / "desk", "--set", "risk.max_leverage=3")
    rows = {
        row[0]: row[1:] for line in printed.splitlines() if len(row := [c.strip() for c in line.split("│")[1:-1]]) == 3
    }
    assert code == 0
    assert tuple(rows) == setting_keys()
    assert rows["risk.max_leverage"] == ["3", "flag --set"]
    assert rows["http.port"] == ["9", "env CHANFLOW_HTTP__PORT"]
    assert rows["symbols"] == ["BTCUSDT", "default"]
    assert f"{tmp_path / 'desk'} (from env CHANFLOW_HOME): usable" in printed


DEEPSEEK = 'providers={"ds": {"kind": "ollama"}}'


def test_doctor_says_what_models_lack(tmp_path: Path) -> None:
    code, printed = _doctor(tmp_path, tmp_path / "desk")
    assert code == 0
    assert "models          none: the rules decide, and nothing is asked\n" in printed
    assert f"database        {tmp_path / 'desk' / 'chanflow.db'}: not there yet\n" in printed
    code, printed = _doctor(tmp_path, tmp_path / "desk", "--set", DEEPSEEK, "--set", "agents.chat.model=ds/qwen3")
    assert code == 1
    assert "models          agents.chat.model: ds/qwen3\n" in printed
    assert "prices of 2026-11-21 (" in printed
    assert "ds: http://127.0.0.1:11434/v1, key unset\n" in printed
    assert "wrong: agents.chat.model: model ds/qwen3 has no price in the list of 2026-11-21" in printed


def test_doctor_asks_providers_only_when_told(tmp_path: Path) -> None:
    free = DEEPSEEK.replace("}}", ', "free": true, "base_url": "http://127.0.0.1:1/v1"}}')
    told = ["--set", free, "--set", "agents.chat.model=ds/qwen3"]
    code, printed = _doctor(tmp_path, tmp_path / "desk", *told)
    assert (code, "cannot be reached" in printed) == (0, False)
    code, printed = _doctor(tmp_path, tmp_path / "desk", *told, "--online")
    assert code == 1
    assert "wrong: ds: http://127.0.0.1:1/v1, key unset: it cannot be reached (Connect" in printed


def test_doctor_refuses_a_database_of_others(tmp_path: Path) -> None:
    (tmp_path / "desk").mkdir()
    (tmp_path / "desk" / "chanflow.db").write_bytes(b"something else" * 1_000)
    code, printed = _doctor(tmp_path, tmp_path / "desk")
    assert code == 1
    assert "is no sound database (file is not a database)" in printed


def test_doctor_exits_with_1_where_no_desk_can_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, printed = _doctor(tmp_path, tmp_path / "file" / "desk")
    assert code == 1
    assert "cannot be written: not a directory" in printed


def test_older_names_are_read_and_told_as_origins() -> None:
    loaded = _load(environ={"SIGNAL_SINK_KIND": "dual"}, file="strategy_mode: {setting: active}\nsymbols: [ETHUSDT]\n")
    settings = loaded.settings
    assert (settings.signals.sink, settings.signals.mode.setting, settings.symbols) == (
        "dual", "active", ("ETHUSDT",),
    )  # fmt: skip
    assert loaded.origins["signals.sink"] == "env SIGNAL_SINK_KIND"


def test_a_name_of_ours_is_stronger_than_an_older_one() -> None:
    loaded = _load(environ={"SIGNAL_SINK_KIND": "dual", "CHANFLOW_SIGNALS__SINK": "sqlite"})
    assert loaded.settings.signals.sink == "sqlite"


def test_a_schedule_that_could_never_be_open_is_refused() -> None:
    assert "the schedule is enabled and has no window" in _refusal("signals.mode.schedule.enabled=true")
    assert "strong_score is 0.2" in _refusal("signals.mode.a_h.strong_score=0.2")


def test_the_output_directory_has_its_earlier_name_too_and_flags_are_stronger() -> None:
    environ = {"HARVEST_OUTPUT_DIR": "/data/one"}
    key = "harvest.output.base_dir"
    file = "harvest: {output: {base_dir: /data/zero}}"
    loaded = _load(file=file, environ=environ)
    assert loaded.settings.harvest.output.base_dir == "/data/one"
    assert loaded.origins[key] == "env HARVEST_OUTPUT_DIR"
    assert _load(file=file).settings.harvest.output.base_dir == "/data/zero"
    assert _load(f"{key}=/data/two", environ=environ).settings.harvest.output.base_dir == "/data/two"
    both = {**environ, "CHANFLOW_HARVEST__OUTPUT__BASE_DIR": "/data/three"}
    assert _load(environ=both).settings.harvest.output.base_dir == "/data/three"
