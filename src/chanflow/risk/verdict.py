"""What the gate found: checks, reasons and clips, in the order in which they were asked."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from chanflow.domain.order import Check, Reason

MAX_DIGITS = 20
"""Larger figures, which no market knows, are shown by their power of ten."""

_SHOWN = Decimal("0.0001")


def flags(name: str, *, wanted: bool) -> tuple[Check, Check]:
    """Return the check of a yes-or-no question as it stands for no, and for yes."""
    no, yes = (Check(name, str(found), str(wanted), found is wanted) for found in (False, True))
    return no, yes


class Verdict:
    """Collects. A check asked again replaces the earlier answer; what failed once stays failed."""

    __slots__ = ("_checks", "_reasons", "clips")

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self._reasons: dict[str, Reason] = {}
        self.clips: list[str] = []

    def ask(self, check: Check, message: str = "") -> bool:
        """Note a check; one that failed becomes a reason with its name as code. Returns whether it held."""
        name = check.name
        if check.ok:
            if name not in self._reasons:
                self._checks[name] = check
            return True
        self._checks[name] = check
        if name not in self._reasons:
            self._reasons[name] = Reason(name, message or f"{name} would be {check.value}, the limit is {check.bound}")
        return False

    def refuse(self, code: str, message: str, *, value: str = "", bound: str = "") -> None:
        """Refuse by `code`."""
        self.ask(Check(code, value, bound, ok=False), message)

    def with_inserted(self, found: Verdict, at: int, end: int) -> Verdict:
        """Return this verdict's first `end` checks as they would stand had `found` been asked after the first `at`."""
        whole = Verdict()
        told = {**self._reasons, **found._reasons}
        for check in (*self.checks[:at], *found.checks, *self.checks[at:end]):
            whole.ask(check, "" if check.ok else told[check.name].message)
        whole.clips = self.clips
        return whole

    def __len__(self) -> int:
        """Return how many checks were asked."""
        return len(self._checks)

    @property
    def refused(self) -> bool:
        """Whether anything failed so far."""
        return bool(self._reasons)

    @property
    def checks(self) -> tuple[Check, ...]:
        """Every question asked, with its last answer."""
        return tuple(self._checks.values())

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Every reason against, in the order found."""
        return tuple(self._reasons.values())


def shown(value: Decimal, bound: Decimal, *, ok: bool) -> str:
    """Return `value` with four decimals, or with as many as tell it from a bound that it broke."""
    if value.adjusted() > MAX_DIGITS:
        return f"{value:.4E}"
    text = f"{value:.4f}"
    return text if ok or value == bound or Decimal(text) != bound else f"{value:f}"


def measured(name: str, value: Decimal, bound: Decimal, *, ok: bool) -> Check:
    """Return the check of a figure against its bound."""
    if ok and value.is_finite() and value.adjusted() <= MAX_DIGITS:
        return Check(name, str(value.quantize(_SHOWN, ROUND_HALF_EVEN)), str(bound), ok)
    return Check(name, shown(value, bound, ok=ok), str(bound), ok)


def needed(value: Decimal | None) -> Decimal:
    """Return `value`; raises ValueError where it is not known, so that its constraint refuses."""
    if value is None:
        raise ValueError("a figure this constraint needs is not known")
    return value
