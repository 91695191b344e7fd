"""What may be known at a moment. A row from its future is a fault: it is told, and never shown to whoever decides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from chanflow.domain.evidence import short_time


class Dated(Protocol):
    """Anything with an id and the moment at which it could first be known, Unix ns."""

    @property
    def ref(self) -> str:
        """Its id."""
        ...

    @property
    def known_ns(self) -> int:
        """When it could first be known."""
        ...


@dataclass(frozen=True, slots=True)
class FutureRow:
    """A row that an outlet gave although it was not known yet. It is journaled as it stands here."""

    outlet: str
    ref: str
    known_ns: int
    as_of_ns: int

    def __str__(self) -> str:
        """Return the fault as a sentence."""
        return (
            f"{self.outlet} gave {self.ref}, known at {short_time(self.known_ns)}, "
            f"to a question as of {short_time(self.as_of_ns)}"
        )


D = TypeVar("D", bound=Dated)


def known_by(rows: Iterable[D], as_of_ns: int, *, outlet: str) -> tuple[tuple[D, ...], tuple[FutureRow, ...]]:
    """Return the rows that were known at `as_of_ns`, in their order, and those that were not, as faults."""
    known, future = [], []
    for row in rows:
        if row.known_ns <= as_of_ns:
            known.append(row)
        else:
            future.append(FutureRow(outlet, row.ref, row.known_ns, as_of_ns))
    return tuple(known), tuple(future)
