"""Settings: read once from all their sources into frozen objects. Nothing else reads the environment.

Strongest first: `--set a.b=c`, `CHANFLOW_A__B`, the same in `.env` (working directory only), the file of `--config`,
`defaults.yaml`. The models carry no defaults of their own, so that file is the only place where one stands.

The layers are plain dictionaries joined here and checked by pydantic. pydantic-settings would pass over unknown
`CHANFLOW_…` variables in silence and cannot say where a value came from; both matter more than the lines it saves.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from chanflow.domain.canonical import sha256_of
from chanflow.domain.errors import SettingsInvalid
from chanflow.runtime.access_settings import AccessSettings
from chanflow.runtime.agent_settings import (
    AgentsSettings,
    AnalystSettings,
    BudgetSettings,
    Providers,
    Strategies,
    require_agreement,
    require_references,
)
from chanflow.runtime.alert_settings import AlertsSettings
from chanflow.runtime.billing_settings import BillingSettings
from chanflow.runtime.cassette_settings import CassetteSettings
from chanflow.runtime.door_settings import HttpSettings
from chanflow.runtime.harvest_settings import HarvestSettings
from chanflow.runtime.setting_fields import Money, Section, Symbol, Whole, distinct, exact, split
from chanflow.runtime.signal_settings import SignalsSettings
from chanflow.runtime.venue_settings import VenueSettings

_PREFIX = "CHANFLOW_"
BESIDE_THE_TREE = (
    "CHANFLOW_API_KEY", "CHANFLOW_HOME", "CHANFLOW_KEYS_PASSPHRASE", "CHANFLOW_TEST_DATA", "CHANFLOW_URL",
)  # fmt: skip
"""Variables of ours that are no settings of the desk."""

OLDER_VARIABLES = {"HARVEST_OUTPUT_DIR": "harvest.output.base_dir", "SIGNAL_SINK_KIND": "signals.sink"}
"""Names of earlier services, by the setting they mean; a `CHANFLOW_` variable of the same layer is stronger."""

OLDER_SECTIONS = {"signal": "signals", "strategy_mode": "signals.mode"}
"""Top-level keys of earlier settings files, by what they mean here."""


def _at_least(bound: str) -> AfterValidator:
    def check(value: Decimal) -> Decimal:
        if value < Decimal(bound):
            raise ValueError(f"is {value}, the hard limit is {bound} and may only be tightened: set at least {bound}")
        return value

    return AfterValidator(check)


def _at_most(bound: str) -> AfterValidator:
    def check(value: Decimal) -> Decimal:
        if value > Decimal(bound):
            raise ValueError(f"is {value}, the hard limit is {bound} and may only be tightened: set at most {bound}")
        return value

    return AfterValidator(check)


def _can_be_sent(mode: object) -> object:
    if mode in ("live", "shadow"):
        raise ValueError(f"is {mode}, but this version trades no real money: set hold or paper")
    return mode


class MarketSettings(Section):
    """How order flow is measured, and how much of a recording is read."""

    bin_ms: Annotated[Whole, Field(ge=1, le=60_000)]
    z_window_s: Annotated[Whole, Field(ge=1)]
    z_warmup_s: Annotated[Whole, Field(ge=0)]
    max_recording_mb: Annotated[Whole, Field(ge=1)]

    @model_validator(mode="after")
    def _warm_within_window(self) -> Self:
        if self.z_warmup_s > self.z_window_s:
            raise ValueError(f"z_warmup_s is {self.z_warmup_s}, allowed is up to z_window_s, {self.z_window_s}")
        return self


class LakeSettings(Section):
    """When a Parquet file is closed and the next begun."""

    rotate_max_rows: Annotated[Whole, Field(ge=1)]
    rotate_max_s: Annotated[Whole, Field(ge=1)]


class LadderSettings(Section):
    """How far the desk may act alone."""

    paper_start: Literal["L0", "L1", "L2", "L3"]


class SizingSettings(Section):
    """How a size follows volatility. Annual figures; shares of one."""

    sigma_target: Annotated[Money, Field(le=3)]
    sigma_prior: Annotated[Decimal, BeforeValidator(exact), Field(ge=0, le=3)]
    max_volume_share: Annotated[Money, _at_most("0.05")]

    @field_validator("sigma_prior")
    @classmethod
    def _none_or_wild(cls, value: Decimal) -> Decimal:
        if 0 < value < 1:
            raise ValueError(f"is {value}, allowed is 0 for none, or from 1 (100 %) to 3: a guess must not flatter")
        return value


class WallSettings(Section):
    """The soft loss wall."""

    soft: Annotated[Money, _at_most("0.03")]
    release_share: Annotated[Money, _at_most("0.5")]
    hold_min: Annotated[Whole, Field(ge=30, le=1440)]


class RiskSettings(Section):
    """The gate's limits; the hard ones may be tightened, never loosened. All are shares of one, but as named."""

    min_margin_ratio: Annotated[Money, _at_least("0.20")]
    max_drawdown: Annotated[Money, _at_most("0.10")]
    max_daily_loss: Annotated[Money, _at_most("0.05")]
    max_leverage: Annotated[Money, _at_most("5")]
    min_cash_reserve: Annotated[Money, _at_least("0.10")]
    max_asset_exposure: Annotated[Money, _at_most("0.30")]
    max_trade_loss: Annotated[Money, _at_most("0.03")]
    price_collar: Annotated[Money, _at_most("0.01")]
    slippage_bps: Annotated[Money, _at_least("5"), Field(le=1000)]
    target_trade_loss: Money
    approval_ttl_s: Annotated[Whole, Field(ge=1, le=60)]
    quiet_may_open: bool
    daily_loss_closes: bool
    ladder: LadderSettings
    sizing: SizingSettings
    wall: WallSettings

    @model_validator(mode="after")
    def _target_within_limit(self) -> Self:
        if self.target_trade_loss > self.max_trade_loss:
            raise ValueError(
                f"target_trade_loss is {self.target_trade_loss}, allowed is up to max_trade_loss, {self.max_trade_loss}"
            )
        return self


class ExecutionSettings(Section):
    """Where approved orders go, and the paper account they go to."""

    mode: Annotated[Literal["hold", "paper"], BeforeValidator(_can_be_sent)]
    order_latency_ms: Annotated[Whole, Field(ge=0)]
    response_latency_ms: Annotated[Whole, Field(ge=0)]
    capital_quote: Money
    max_hold_s: Annotated[Whole, Field(ge=1)]
    venue: VenueSettings


class BusSettings(Section):
    """The message log."""

    retention_s: Annotated[Whole, Field(ge=1)]
    group_limit: Annotated[Whole, Field(ge=1, le=10_000)]


class McpSettings(Section):
    """Which tools MCP offers."""

    toolsets: Annotated[
        tuple[Literal["read", "alert", "research", "trade", "desk"], ...], BeforeValidator(split), Field(min_length=1)
    ]


class JobsSettings(Section):
    """How many jobs, such as backtests, a process works on at once."""

    workers: Annotated[Whole, Field(ge=1, le=2)]


class Settings(Section):
    """The whole tree."""

    symbols: Annotated[tuple[Symbol, ...], BeforeValidator(split), AfterValidator(distinct), Field(min_length=1)]
    market: MarketSettings
    lake: LakeSettings
    harvest: HarvestSettings
    signals: SignalsSettings
    analyst: AnalystSettings
    providers: Providers
    agents: AgentsSettings
    strategies: Strategies
    budget: BudgetSettings
    cassette: CassetteSettings
    risk: RiskSettings
    execution: ExecutionSettings
    alerts: AlertsSettings
    bus: BusSettings
    http: HttpSettings
    jobs: JobsSettings
    access: AccessSettings
    billing: BillingSettings
    mcp: McpSettings

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        require_agreement(self)
        return self


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings with their origins, and the data directory with its own.

    `origins` says by dotted key where a value came from: `default`, `file …`, `.env …`, `env …` or `flag --set`.
    """

    settings: Settings
    origins: Mapping[str, str]
    home: Path
    home_origin: str


def load_settings(*, config: Path | None, overrides: Sequence[str], environ: Mapping[str, str] | None = None) -> Loaded:
    """Return the settings in force, from `defaults.yaml`, `config`, `.env`, the environment and `overrides` (`a.b=c`).

    `environ` stands in for the process's environment. Raises SettingsInvalid, in one sentence that names key, value,
    bound and origin, for anything unknown, doubled or out of bounds.
    """
    process = dict(os.environ if environ is None else environ)
    dotenv = _read_dotenv(Path(".env"))
    variables = {**dotenv, **process}

    defaults = resources.files("chanflow.runtime").joinpath("defaults.yaml").read_text(encoding="utf-8")
    values, origins = _Values(), dict[str, str]()
    layers: list[tuple[_Values, str]] = [(_from_yaml(defaults, "defaults.yaml", {}), "default")]
    if config is not None:
        layers.append((_from_yaml(_read_text(config), str(config), variables), f"file {config}"))
    layers.extend(_from_variables(dotenv, ".env"))
    layers.extend(_from_variables(process, "env"))
    layers.extend((_from_override(override), "flag --set") for override in overrides)
    for layer, origin in layers:
        values.update(layer)
        origins.update(dict.fromkeys(layer, origin))

    home = data_directory(variables)
    home_origin = "default"
    if variables.get("CHANFLOW_HOME"):
        home_origin = "env CHANFLOW_HOME" if "CHANFLOW_HOME" in process else ".env CHANFLOW_HOME"
    return Loaded(_checked(values, origins), origins, home, home_origin)


def overlaid(settings: Settings, path: Path, *, section: str) -> Settings:
    """Return the settings with one `section` changed as a file says; whatever the file leaves out stays.

    Raises SettingsInvalid as `load_settings` does, and for a key of another section.
    """
    changed = _from_yaml(_read_text(path), str(path), {})
    other = next((key for key in changed if not key.startswith(f"{section}.")), None)
    if other is not None:
        raise SettingsInvalid(f"{path} sets {other}, and here only keys of {section} count: leave it out")
    values = {key: setting_value(settings, key) for key in setting_keys()}
    return _checked(values | changed, dict.fromkeys(values, "the run") | dict.fromkeys(changed, f"file {path}"))


def home_directory() -> Path:
    """Return the data directory in force, whatever else the settings say. Raises as `data_directory` does."""
    return data_directory({**_read_dotenv(Path(".env")), **os.environ})


def keys_passphrase() -> str | None:
    """Return what opens the venue keys, where the environment says it; it is no setting, so nothing ever shows it."""
    return {**_read_dotenv(Path(".env")), **os.environ}.get("CHANFLOW_KEYS_PASSPHRASE") or None


def acting_key() -> str | None:
    """Return the key as whose owner commands act, where the environment says one; nothing ever shows it."""
    return {**_read_dotenv(Path(".env")), **os.environ}.get("CHANFLOW_API_KEY") or None


def data_directory(environ: Mapping[str, str], *, platform: str = sys.platform) -> Path:
    """Return `$CHANFLOW_HOME`, else `chanflow` in the platform's place for a user's data.

    Raises SettingsInvalid where the user has no home directory.
    """
    try:
        if chosen := environ.get("CHANFLOW_HOME"):
            return Path(chosen).expanduser().absolute()
        user = Path(environ["HOME"]) if environ.get("HOME") else Path.home()
    except RuntimeError as fault:
        raise SettingsInvalid(
            "this user has no home directory: set CHANFLOW_HOME to a directory for the desk"
        ) from fault
    if platform == "darwin":
        return user / "Library" / "Application Support" / "chanflow"
    if platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or user / "AppData" / "Local") / "chanflow"
    # The XDG base directory rules: a relative path is to be ignored.
    shared = Path(environ.get("XDG_DATA_HOME", ""))
    return (shared if shared.is_absolute() else user / ".local" / "share") / "chanflow"


def config_hash(settings: Settings) -> str:
    """Return the hex SHA-256 of the canonical JSON of `settings`: the same settings, the same hash on any machine."""
    return sha256_of(settings.model_dump())


def setting_keys(model: type[BaseModel] = Settings) -> tuple[str, ...]:
    """Return every dotted key of the tree, in its order."""
    return tuple(_walk_keys(model, ""))


def setting_value(settings: Settings, key: str) -> Any:
    """Return the value under a dotted key of `setting_keys`."""
    return reduce(getattr, key.split("."), settings)


_Values = dict[str, Any]


def _walk_keys(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _walk_keys(field.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _checked(values: _Values, origins: Mapping[str, str]) -> Settings:
    tree: dict[str, Any] = {}
    for key, value in values.items():
        *sections, leaf = key.split(".")
        node = tree
        for section in sections:
            node = node.setdefault(section, {})
        node[leaf] = value
    try:
        return Settings.model_validate(tree)
    except ValidationError as fault:
        first = fault.errors()[0]
        place = [str(part) for part in first["loc"]]
        key = next((k for n in range(len(place), 0, -1) if (k := ".".join(place[:n])) in origins), ".".join(place))
        origin = origins.get(key)
        if origin is None:  # two keys disagree, and the message names both
            raise SettingsInvalid(f"{key}: {first['ctx']['error']}".removeprefix(": ")) from None
        ours = first["type"] == "value_error"
        detail = str(first["ctx"]["error"]) if ours else f"is {first['input']!r}: {_lowered(first['msg'])}"
        raise SettingsInvalid(f"{key} {detail} (from {origin})") from None


def _lowered(message: str) -> str:
    return message[:1].lower() + message[1:]


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else ""


def _require_key(key: str, origin: str) -> None:
    """Raise SettingsInvalid unless `key` is a leaf of the tree."""
    keys = setting_keys()
    if key in keys:
        return
    if inside := [known for known in keys if known.startswith(f"{key}.")]:
        raise SettingsInvalid(f"{key} is a section, no setting (from {origin}): set one of its keys, like {inside[0]}")
    sections = {known.rpartition(".")[0] for known in keys}
    raise SettingsInvalid(f"{key or 'the empty name'} is no setting (from {origin}){_nearest(key, (*keys, *sections))}")


def _from_override(override: str) -> _Values:
    key, equals, value = override.partition("=")
    key = key.strip()
    if not equals:
        raise SettingsInvalid(f"--set {override} has no value: write --set key=value, like --set risk.max_leverage=3")
    _require_key(key, "flag --set")
    if key == "providers" and "api_key" in value:
        raise SettingsInvalid(
            "providers holds an api_key in --set, where others see it: write it in a file, as ${NAME}"
        )
    return {key: value.strip()}


def _require_references(key: str, value: Any, origin: str) -> None:
    try:
        require_references(key, value)
    except ValueError as fault:
        raise SettingsInvalid(f"{key} {fault} (from {origin})") from None


def _from_variables(variables: Mapping[str, str], source: str) -> Iterator[tuple[_Values, str]]:
    keys = {f"{_PREFIX}{key.replace('.', '__').upper()}": key for key in setting_keys()}
    for name in sorted(name for name in OLDER_VARIABLES if variables.get(name)):
        yield {OLDER_VARIABLES[name]: variables[name].strip()}, f"{source} {name}"
    for name in sorted(variables):
        if not name.startswith(_PREFIX) or name in BESIDE_THE_TREE:
            continue
        if name not in keys:
            near = _nearest(name, (*keys, *BESIDE_THE_TREE))
            raise SettingsInvalid(f"{name} is no variable of ours (from {source}){near}")
        yield {keys[name]: variables[name].strip()}, f"{source} {name}"


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as fault:
        raise SettingsInvalid(f"{path} cannot be read: {(fault.strerror or str(fault)).lower()}") from fault
    except UnicodeDecodeError as fault:
        raise SettingsInvalid(f"{path} is no UTF-8 text: save it as UTF-8") from fault


def _read_dotenv(path: Path) -> dict[str, str]:
    """Return the `NAME=value` lines of a file, quotes taken off; comments and blank lines are passed over."""
    if not path.is_file():
        return {}
    variables: dict[str, str] = {}
    for number, raw in enumerate(_read_text(path).splitlines(), 1):
        line = raw.strip().removeprefix("export ").lstrip()
        if not line or line.startswith("#"):
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals or re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) is None:
            raise SettingsInvalid(f"{path} line {number} is not NAME=value")
        if name in variables:
            raise SettingsInvalid(f"{path} line {number} sets {name} a second time: keep one")
        quoted = re.fullmatch(r"(['\"])(.*)\1(?:\s+#.*)?", value)
        variables[name] = quoted[2] if quoted else re.sub(r"(^|\s+)#.*$", "", value)
    return variables


class _OnceOnlyLoader(yaml.SafeLoader):
    """PyYAML keeps the last of two equal keys; this one refuses the second."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value} stands twice in one section: keep one", key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def yaml_tree(path: Path) -> Any:
    """Return what a YAML file says. Raises SettingsInvalid for one that cannot be read, or names a key twice."""
    return _tree(_read_text(path), str(path))


def _tree(text: str, source: str) -> Any:
    try:
        return yaml.load(text, Loader=_OnceOnlyLoader)  # noqa: S506  (a SafeLoader)
    except yaml.MarkedYAMLError as fault:
        line = f" line {fault.problem_mark.line + 1}" if fault.problem_mark else ""
        raise SettingsInvalid(f"{source}{line}: {fault.problem or fault.context or 'no YAML'}") from fault
    except yaml.YAMLError as fault:
        raise SettingsInvalid(f"{source} is no YAML: {str(fault).splitlines()[0]}") from fault


def _from_yaml(text: str, source: str, variables: Mapping[str, str]) -> _Values:
    origin = f"file {source}"
    tree = _tree(text, source)
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise SettingsInvalid(f"{source} is no mapping of sections: write `risk:` and its keys below it")
    return dict(_leaves(tree, "", origin, variables))


def _leaves(node: dict[Any, Any], prefix: str, origin: str, variables: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    keys = setting_keys()
    for name, value in node.items():
        key = f"{prefix}{name}" if prefix else OLDER_SECTIONS.get(name, f"{name}")
        if isinstance(value, dict) and any(known.startswith(f"{key}.") for known in keys):
            yield from _leaves(value, f"{key}.", origin, variables)
            continue
        _require_key(key, origin)
        _require_references(key, value, origin)
        yield key, _filled(value, key, origin, variables)


def _filled(value: Any, key: str, origin: str, variables: Mapping[str, str]) -> Any:
    """Return `value` with each `${NAME}` in its texts replaced from the environment."""
    if isinstance(value, list):
        return [_filled(part, key, origin, variables) for part in value]
    if isinstance(value, dict):
        return {name: _filled(part, key, origin, variables) for name, part in value.items()}
    if not isinstance(value, str):
        return value

    def named(match: re.Match[str]) -> str:
        if match[1] not in variables:
            raise SettingsInvalid(f"{key} needs the environment variable {match[1]}, which is not set (from {origin})")
        return variables[match[1]]

    return re.sub(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", named, value)
