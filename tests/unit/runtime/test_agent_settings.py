from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from chanflow.domain.canonical import canonical_json
from chanflow.domain.errors import SettingsInvalid
from chanflow.runtime.price_file import load_prices
from chanflow.runtime.settings import Loaded, Settings, config_hash, load_settings

KEY = "sk-canary-0123456789abcdef"

DOCUMENT = """
providers:
  deepseek: {kind: deepseek, api_key: "${DEEPSEEK_API_KEY}"}
  local:    {kind: openai_compatible, base_url: "http://127.0.0.1:11434/v1", free: true, output_mode: prompted}
agents:
  analyst:
    model: deepseek/deepseek-chat
    fallback: [local/qwen3, rules]
    tools: [analyze_structure, query_buy_sell_points, get_klines, get_market_status, get_position]
    quota: {max_requests_per_hour: 100, max_usd_per_day: "2.00", max_tokens_per_run: 24000}
    temperature: 0
  monitor: {model: none, tools: [subscribe_alert, get_market_status], quota: {max_active_alerts: 50}}
  trader:
    model: none
    tools: [execute_trade, get_position, cancel_order]
    quota: {max_trades_per_day: 100}
    security: {require_confirmation: true}
  learner: {model: deepseek/deepseek-chat, tools: [backtest_strategy, get_performance]}
  chat:    {model: deepseek/deepseek-chat, language: auto, max_steps: 8, security: {require_confirmation: true}}
"""


@pytest.fixture(autouse=True)
def in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _load(text: str = "", *overrides: str, **environ: str) -> Loaded:
    Path("desk.yaml").write_text(text, encoding="utf-8")
    environ = {"HOME": "/home/me", "DEEPSEEK_API_KEY": KEY} | environ
    return load_settings(config=Path("desk.yaml"), overrides=overrides, environ=environ)


def _refusal(text: str = "", *overrides: str, **environ: str) -> str:
    with pytest.raises(SettingsInvalid) as caught:
        _load(text, *overrides, **environ)
    message = str(caught.value)
    assert "\n" not in message
    assert KEY not in message
    return message


def test_the_documents_shape_is_taken_as_it_stands() -> None:
    settings = _load(DOCUMENT).settings
    agent = settings.agents.analyst
    assert (agent.model, agent.fallback) == ("deepseek/deepseek-chat", ("local/qwen3", "rules"))
    assert agent.quota.max_usd_per_day == Decimal("2.00")
    assert settings.providers["deepseek"].provider("deepseek").api_key == KEY
    assert settings.providers["local"].free
    assert settings.agents.chat.max_steps == 8
    assert settings.agents.models() == (
        ("agents.analyst.model", "deepseek/deepseek-chat"),
        ("agents.analyst.fallback", "local/qwen3"),
        ("agents.learner.model", "deepseek/deepseek-chat"),
        ("agents.chat.model", "deepseek/deepseek-chat"),
    )


def test_out_of_the_box_no_model_is_asked() -> None:
    settings = _load().settings
    assert settings.agents.models() == ()
    assert (settings.agents.analyst.model, settings.analyst.fallback, settings.analyst.on_change) == (
        "rules", "abstain", "demote",
    )  # fmt: skip


def test_no_key_is_in_what_settings_print_dump_or_hash() -> None:
    first, other = _load(DOCUMENT).settings, _load(DOCUMENT, DEEPSEEK_API_KEY="sk-another").settings
    shown = repr(first) + str(first) + str(first.providers["deepseek"]) + canonical_json(first.model_dump())
    assert KEY not in shown
    assert first.model_dump(mode="json")["providers"]["deepseek"]["api_key"] == "set"
    assert config_hash(first) == config_hash(other) != config_hash(_load().settings)


def test_settings_from_a_journals_head_have_the_same_hash() -> None:
    dumped = _load(DOCUMENT).settings.model_dump(mode="json")
    assert Settings.model_validate(dumped).model_dump(mode="json") == dumped


@pytest.mark.parametrize("key", [KEY, "prefix-${DEEPSEEK_API_KEY}", "${DEEPSEEK_API_KEY} "])
def test_a_key_stands_in_no_file(key: str) -> None:
    assert _refusal(yaml.safe_dump({"providers": {"deepseek": {"kind": "deepseek", "api_key": key}}})) == (
        "providers holds an api_key itself at deepseek: write api_key: ${NAME}, and NAME in .env (from file desk.yaml)"
    )


def test_a_key_stands_on_no_command_line() -> None:
    override = f'providers={{"d": {{"kind": "deepseek", "api_key": "{KEY}"}}}}'
    assert "holds an api_key in --set, where others see it" in _refusal("", override)


def test_providers_may_stand_in_one_variable_as_json() -> None:
    text = f'{{"d": {{"kind": "deepseek", "api_key": "{KEY}"}}}}'
    assert _load(CHANFLOW_PROVIDERS=text).settings.providers["d"].provider("d").api_key == KEY


@pytest.mark.parametrize(
    ("providers", "words"),
    [
        ("{d: {kind: deepseek}}", "providers is wrong: provider d: kind deepseek needs an api_key"),
        ("{d: {kind: gpt}}", "providers is wrong at d.kind: input should be 'deepseek', "),
        ("{d: {kind: ollama, more: 1}}", "providers has an unknown key at d: known are kind, api_key, base_url"),
        ("{d: {kind: ollama, stall_s: .nan}}", "providers is wrong at d.stall_s: "),
        ("{d: {}}", "providers is wrong at d.kind: field required"),
        ("{d: 7}", "providers has no settings at d: write at least its kind"),
        ("{D D: {kind: ollama}}", "providers has a name that is none"),
        ("{rules: {kind: ollama}}", "providers has a name that is none"),
        ("[]", "providers is no mapping of names to providers"),
        ('{d: {kind: deepseek, api_key: "${DEEPSEEK_API_KEY}", free: true}}', "is wrong at d.free: deepseek is billed"),
        ("{d: {kind: ollama, base_url: 'http://me:pw@host'}}", "base_url must be http(s)://host[:port]/path without"),
        (
            '{d: {kind: openai_compatible, base_url: "http://far.example", api_key: "${DEEPSEEK_API_KEY}"}}',
            "a key is sent to this machine or over https only",
        ),
        ('{d: {kind: deepseek, api_key: "${NOT_SET}"}}', "providers needs the environment variable NOT_SET"),
    ],
)
def test_a_wrong_provider_is_refused_in_one_sentence(providers: str, words: str) -> None:
    assert words in _refusal(f"providers: {providers}")


@pytest.mark.parametrize(
    ("agents", "words"),
    [
        (
            "{analyst: {tools: [get_klines, execute_trade]}}",
            "agents.analyst.tools names execute_trade, which the analyst may not use, and an analyst only reads: ",
        ),
        ("{analyst: {tools: [get_klines, get_klines]}}", "agents.analyst.tools is get_klines, get_klines: each tool"),
        (
            "{monitor: {tools: [execute_trade]}}",
            "agents.monitor.tools names execute_trade, which the monitor may not use: allow",
        ),
        ("{trader: {tools: [set_level]}}", "agents.trader.tools names set_level, which the trader may not use"),
        ("{learner: {tools: [execute_trade]}}", "agents.learner.tools names execute_trade, which the learner may not"),
        ("{monitor: {model: gpt-4-turbo}}", "agents.monitor.model is 'gpt-4-turbo', and this agent is code"),
        ("{trader: {model: local/x}}", "agents.trader.model is 'local/x', and this agent is code"),
        ("{analyst: {model: none}}", "agents.analyst.model is none, and somebody must decide"),
        ("{analyst: {model: deepseek-chat}}", "agents.analyst.model is wrong: model 'deepseek-chat' is not provider/"),
        ("{chat: {model: rules}}", "agents.chat.model is rules, which only an analyst has"),
        ("{analyst: {model: nobody/x}}", "agents.analyst.model is nobody/x, and providers has no nobody: known are no"),
        ("{analyst: {fallback: [nobody/x]}}", "agents.analyst.fallback is nobody/x, and providers has no nobody"),
        ("{analyst: {fallback: [rules, a/b]}}", "agents.analyst.fallback is rules, a/b: rules always answer, so they"),
        ("{analyst: {fallback: [a/b, a/b]}}", "agents.analyst.fallback is a/b, a/b: each model may be named once"),
        ("{analyst: {temperature: 2.1}}", "agents.analyst.temperature is 2.1: input should be less than or equal to 2"),
        (
            "{analyst: {quota: {max_usd_per_day: 2.0}}}",
            "agents.analyst.quota.max_usd_per_day is the float 2.0, and",
        ),
        ("{analyst: {quota: {max_tokens_per_run: 0}}}", "agents.analyst.quota.max_tokens_per_run is 0: "),
        ("{analyst: {quota: {max_request: 1}}}", "agents.analyst.quota.max_request is no setting"),
        ("{chat: {max_steps: 9}}", "agents.chat.max_steps is 9: input should be less than or equal to 8"),
        ("{boss: {model: none}}", "agents.boss is no setting"),
    ],
)
def test_a_wrong_agent_is_refused_in_one_sentence(agents: str, words: str) -> None:
    assert _refusal(f"agents: {agents}").startswith(words)


def test_a_tool_list_may_shrink_to_nothing() -> None:
    assert _load("agents: {analyst: {tools: []}}").settings.agents.analyst.tools == ()
    assert _load("", "agents.analyst.tools=get_klines").settings.agents.analyst.tools == ("get_klines",)


@pytest.mark.parametrize("agent", ["trader", "chat"])
def test_with_real_money_a_person_confirms(agent: str) -> None:
    text = f"agents: {{{agent}: {{security: {{require_confirmation: false}}}}}}"
    assert not getattr(_load(text).settings.agents, agent).security.require_confirmation
    told = _refusal(text, "execution.venue.environment=live", "execution.venue.real_money=true")
    assert "a desk with real money begins at L1, and below L3 a person confirms each trade" in told


STRATEGY = "{{name: {}, symbols: [{}], level: 30m, analyst: rules, equity_share: '{}'}}"


def _strategies(*rows: tuple[str, str, str]) -> str:
    listed = ", ".join(STRATEGY.format(*row) for row in rows)
    return f"symbols: [BTCUSDT, ETHUSDT]\nstrategies: [{listed}]"


def test_strategies_stand_side_by_side() -> None:
    settings = _load(_strategies(("one", "BTCUSDT", "0.4"), ("two", "ETHUSDT", "0.6"))).settings
    assert [(each.name, each.symbols, each.equity_share) for each in settings.strategies] == [
        ("one", ("BTCUSDT",), Decimal("0.4")),
        ("two", ("ETHUSDT",), Decimal("0.6")),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            _strategies(("one", "BTCUSDT", "0.4"), ("two", "BTCUSDT", "0.4")),
            "strategies has BTCUSDT in one and in two: a symbol belongs to one strategy at a time",
        ),
        (
            _strategies(("one", "BTCUSDT", "0.4"), ("one", "ETHUSDT", "0.4")),
            "strategies has the names one, one: each may stand once",
        ),
        (
            _strategies(("one", "BTCUSDT", "0.6"), ("two", "ETHUSDT", "0.41")),
            "strategies has shares of equity that sum to 1.01, allowed is up to 1",
        ),
        (_strategies(("one", "BTCUSDT", "1.1")), "strategies is wrong at entry 1.equity_share: "),
        (_strategies(("one", "BTCUSDT", "0")), "strategies is wrong at entry 1.equity_share: "),
        (_strategies(("One", "BTCUSDT", "1")), "strategies is wrong at entry 1.name: "),
        ("strategies: [{nam: x}]", "strategies has an unknown key at entry 1: known are name, symbols"),
        ("strategies: [7]", "strategies is wrong at entry 1: "),
        ("strategies: {a: 1}", "strategies is no list"),
        (_strategies(("one", "BTCUSDT", "1")).replace("rules", "llm"), "strategies has one with analyst llm, and age"),
    ],
)
def test_strategies_that_cannot_stand_side_by_side_are_refused(text: str, words: str) -> None:
    assert _refusal(text).startswith(words)


def test_a_schedule_names_symbols_level_and_moment() -> None:
    text = """
analyst:
  schedule:
    - {symbols: [BTCUSDT], level: 30m, on: candle_close}
    - {symbols: BTCUSDT, level: 1h, on: "5 */4 * * *"}
"""
    assert [(e.symbols, e.level, e.on) for e in _load(text).settings.analyst.schedule] == [
        (("BTCUSDT",), "30m", "candle_close"),
        (("BTCUSDT",), "1h", "5 */4 * * *"),
    ]


@pytest.mark.parametrize("on", ["sometimes", "60 * * * *", "0 0 31 2 *", "* * * *"])
def test_a_moment_that_is_none_is_refused(on: str) -> None:
    told = _refusal(f"analyst: {{schedule: [{{symbols: [BTCUSDT], level: 30m, on: '{on}'}}]}}")
    assert told.startswith("analyst.schedule is wrong at entry 1.on: ")


def test_a_level_is_kept_for_a_reason() -> None:
    assert _refusal("analyst: {on_change: keep}").startswith("analyst: on_change is keep and on_change_reason is empty")
    assert _load("analyst: {on_change: keep, on_change_reason: typo}").settings.analyst.on_change == "keep"


def _blocks_of_the_page() -> list[str]:
    page = Path(__file__).parents[3] / "docs" / "budget.md"
    return re.findall(r"^```yaml\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_pages_settings_can_be_used() -> None:
    settings = _load(_blocks_of_the_page()[0]).settings
    assert settings.agents.analyst.model == "deepseek/deepseek-chat"
    assert len(settings.analyst.schedule) == 2


def test_the_pages_prices_can_be_used() -> None:
    Path("my-prices.yaml").write_text(_blocks_of_the_page()[1])
    prices = load_prices(Path("my-prices.yaml"), kinds={})
    assert prices.cost("deepseek/deepseek-chat", 10**6, 10**6) == Decimal("1.37")
