"""A schedule of fees that a run is asked to be judged or run by instead of its venue's own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chanflow.domain.errors import InvalidArgument, SettingsInvalid
from chanflow.domain.instrument import Instrument

if TYPE_CHECKING:
    from chanflow_native import EventBatch

    from chanflow.market.ports import MarketSource

MOST_FRAC = Decimal("0.01")
LEAST_MAKER_FRAC = Decimal("-0.001")
"""A maker may be paid so much, at most."""


@dataclass(frozen=True, slots=True)
class FeeSchedule:
    """Shares of notional, by who makes and who takes; negative is paid to us."""

    maker_frac: Decimal
    taker_frac: Decimal

    def __post_init__(self) -> None:
        for name, value, least in (
            ("maker", self.maker_frac, LEAST_MAKER_FRAC), ("taker", self.taker_frac, Decimal(0)),
        ):  # fmt: skip
            if not value.is_finite() or not least <= value <= MOST_FRAC:
                raise InvalidArgument(f"{name} fee is {value}, allowed is {least} to {MOST_FRAC}", field=name)

    def on(self, instrument: Instrument) -> Instrument:
        """Return the instrument at these fees."""
        return replace(instrument, maker_fee_frac=self.maker_frac, taker_fee_frac=self.taker_frac)


def read_fees(path: Path) -> FeeSchedule:
    """Return the schedule in a YAML file: `maker: "0.0002"` and `taker: "0.0005"`, both needed, both quoted.

    Raises SettingsInvalid or InvalidArgument, naming key, value and bound.
    """
    import yaml

    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise SettingsInvalid(f"{path} cannot be read: {(fault.strerror or str(fault)).lower()}") from fault
    except (UnicodeDecodeError, yaml.YAMLError) as fault:
        raise SettingsInvalid(f"{path} is no YAML: {str(fault).splitlines()[0]}") from fault
    if not isinstance(tree, dict) or set(tree) != {"maker", "taker"}:
        raise SettingsInvalid(f'{path} must hold two lines, like maker: "0.0002" and taker: "0.0005"')
    return FeeSchedule(_share(path, "maker", tree["maker"]), _share(path, "taker", tree["taker"]))


def _share(path: Path, name: str, value: object) -> Decimal:
    if not isinstance(value, str):
        raise SettingsInvalid(f'{path}: {name} is {value!r}: write it as text, like {name}: "0.0004"')
    try:
        return Decimal(value)
    except ArithmeticError as fault:
        raise SettingsInvalid(f"{path}: {name} is {value!r}, which is no number") from fault


class Repriced:
    """A `MarketSource` with other fees: the same events, and an instrument that costs what `fees` say."""

    def __init__(self, source: MarketSource, fees: FeeSchedule) -> None:
        self._source = source
        self.instrument = fees.on(source.instrument)
        self.venue = source.venue
        self.start_ns, self.end_ns = source.start_ns, source.end_ns
        self.price_decimals, self.qty_decimals = source.price_decimals, source.qty_decimals

    @property
    def exhausted(self) -> bool:
        """Whether every event has been given out."""
        return self._source.exhausted

    def next(self, until_ns: int) -> EventBatch:
        """Return the next events, as the market gives them."""
        return self._source.next(until_ns)

    def describe(self) -> dict[str, Any]:
        """Return what the market says of itself: fees are the instrument's."""
        return self._source.describe()
