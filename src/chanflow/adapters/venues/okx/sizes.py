"""OKX counts contracts; the desk counts base units. Each instrument says how much of its base one contract is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from chanflow.domain.instrument import Instrument


@dataclass(frozen=True, slots=True)
class Contract:
    """One linear swap: what a contract is worth in base units, and its smallest lot in contracts."""

    instrument: Instrument
    base_per_contract: Decimal
    lot: Decimal


@dataclass(slots=True)
class Contracts:
    """The instruments that are known, by their ids."""

    known: Mapping[str, Contract] = field(default_factory=dict)

    def base(self, symbol: str, contracts: Decimal) -> Decimal:
        """Return a number of contracts in base units. Raises ValueError for an instrument that is not known."""
        return contracts * self._of(symbol).base_per_contract

    def contracts(self, symbol: str, qty_base: Decimal) -> Decimal:
        """Return base units in contracts. Raises ValueError unless they are a whole number of lots."""
        contract = self._of(symbol)
        number = qty_base / contract.base_per_contract
        if number % contract.lot or number * contract.base_per_contract != qty_base:
            raise ValueError(f"{qty_base} is no whole number of lots of {contract.instrument.step} on {symbol}")
        return number.normalize()

    def _of(self, symbol: str) -> Contract:
        found = self.known.get(symbol)
        if found is None:
            raise ValueError(f"{symbol} is none of the instruments that are known")
        return found
