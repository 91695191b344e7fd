"""Which tape a word on the command line means, and how a tape of the past is played now, and again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from chanflow.adapters.venues.emulator.rules import SymbolRules
from chanflow.adapters.venues.emulator.tape.listed import rules_of
from chanflow.adapters.venues.emulator.tape.reel import joined
from chanflow.adapters.venues.emulator.tape.steps import Tape, Ticks
from chanflow.adapters.venues.emulator.tape.synthetic import START_NS, SyntheticTape
from chanflow.domain.errors import InvalidArgument

DEFAULT_SYMBOLS = ("BTCUSDT", "ETHUSDT")
"""What a synthetic exchange lists unless it is told."""


def open_tape(
    source: str,
    *,
    symbols: Sequence[str] = (),
    seed: int = 42,
    start_ns: int | None = None,
    loop: bool = False,
    rules: Mapping[str, SymbolRules] | None = None,
) -> Tape:
    """Return the tape that `source` names: `synthetic`, `wire:FILE[,FILE…]` or `lake:DIR`.

    It begins at `start_ns`, None for its own time: 2026-01-05 for a synthetic one, when it was recorded for another;
    with `loop` a recording begins anew when it ends. `rules` overrule those of a symbol. Raises InvalidArgument,
    NotFound, RecordingInvalid.
    """
    word, _, rest = source.partition(":")
    names = list(dict.fromkeys(symbols))
    if word == "synthetic" and not rest:
        listed = [(rules or {}).get(name) or rules_of(name) for name in names or DEFAULT_SYMBOLS]
        return SyntheticTape(listed, seed=seed, start_ns=START_NS if start_ns is None else start_ns)
    if word == "wire" and rest:
        from chanflow.adapters.venues.emulator.tape.wire import WireTape

        paths = [Path(one) for one in rest.split(",") if one]
        return _checked(PlayedTape(lambda: WireTape(paths, rules=rules), start_ns=start_ns, loop=loop), names)
    if word == "lake" and rest:
        from chanflow.adapters.venues.emulator.tape.lake import LakeTape

        return PlayedTape(lambda: LakeTape(Path(rest), names, rules=rules), start_ns=start_ns, loop=loop)
    raise InvalidArgument(f"source is {source[:64]!r}, it can be synthetic, wire:FILE or lake:DIR", field="source")


def _checked(tape: Tape, names: Sequence[str]) -> Tape:
    missing = [name for name in names if name not in tape.symbols]
    if missing:
        have = ", ".join(tape.symbols)
        raise InvalidArgument(f"the recording has no {', '.join(missing)}; it has {have}", field="symbols")
    return tape


class PlayedTape:
    """A tape that begins at another time, and may begin anew when it ends."""

    def __init__(self, opened: Callable[[], Tape], *, start_ns: int | None = None, loop: bool = False) -> None:
        """`opened` returns the tape at its beginning, each time. Raises InvalidArgument for an endless one to loop."""
        self._open = opened
        self._tape = opened()
        self._loop = loop
        if loop and self._tape.end_ns is None:
            raise InvalidArgument("a tape without an end cannot begin anew", field="loop")
        self.symbols: Mapping[str, SymbolRules] = self._tape.symbols
        self.start_ns = self._tape.start_ns if start_ns is None else start_ns
        self._shift_ns = self.start_ns - self._tape.start_ns

    @property
    def end_ns(self) -> int | None:
        """Time after the last event; None for a tape that begins anew."""
        end_ns = self._tape.end_ns
        return None if self._loop or end_ns is None else end_ns + self._shift_ns

    def until(self, ns: int) -> Sequence[Ticks]:
        """Return the ticks up to `ns`, symbol by symbol."""
        parts: dict[str, list[Ticks]] = {}
        while True:
            for batch in self._tape.until(ns - self._shift_ns):
                parts.setdefault(batch.symbol, []).append(batch.later(self._shift_ns))
            end_ns = self._tape.end_ns
            if not self._loop or end_ns is None or ns - self._shift_ns < end_ns:
                return [whole for name in sorted(parts) if (whole := joined(parts[name])) is not None]
            self._shift_ns += end_ns - self._tape.start_ns
            self._tape = self._open()
