"""`chanflow signal`: rows of features in, decisions out."""

from __future__ import annotations

import os
import re
import signal as posix
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import TextIO

from chanflow.adapters.storage.signal_rows import line_of, row_of
from chanflow.adapters.storage.signal_sink import open_sink
from chanflow.domain.errors import InvalidArgument
from chanflow.domain.signal import Signal
from chanflow.domain.time import NS_PER_MS, NS_PER_S, Clock, parse_rfc3339, rfc3339
from chanflow.runtime.clock import SystemClock
from chanflow.runtime.settings import load_settings
from chanflow.runtime.signal_service import SignalService, Tally, Wanted, read_position

POSITION = ".position.json"

_SYMBOL = re.compile(r"[A-Za-z0-9:._-]{1,32}")
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0}
_MAX_POLL_S = 3_600.0


def run_signal(
    *,
    input_: str,
    sink: str | None,
    out: Path,
    symbols: Sequence[str],
    watch: bool,
    show: bool,
    run_id: str | None,
    since: str | None,
    poll: str,
    config: Path | None,
    overrides: Sequence[str],
    stdout: TextIO,
    stderr: TextIO,
) -> None:
    """Decide on every row of the input, and end with one line of counts on `stderr`.

    `input_` is a file, a folder, or `-` for standard input. Raises InvalidArgument and SettingsInvalid for what was
    asked, RecordingInvalid for what was given, SinkUnwritable where decisions cannot be kept.
    """
    if sink is not None:
        overrides = [*overrides, f"signals.sink={sink}"]
    settings = load_settings(config=config, overrides=overrides).settings.signals
    clock, stop, poll_s = SystemClock(), Event(), duration_s(poll)
    wanted = Wanted(_checked(symbols), None if since is None else _time_ms(since))
    if watch and not Path(input_).is_dir():
        raise InvalidArgument(f"--watch needs a folder, --input is {input_}", field="input")
    began_ns = clock.monotonic_ns()
    run_id = _run_id(run_id, out / POSITION if watch else None, clock)
    only = next(iter(wanted.symbols)) if len(wanted.symbols) == 1 else None
    with closing(open_sink(settings.sink, out, run_id, clock, pause=stop.wait)) as opened:
        service = SignalService(
            settings, opened, run_id=run_id, wanted=wanted,
            on_signal=_Printer(stdout) if show else lambda _: None,
            on_note=lambda words: stderr.write(f"chanflow: {words}\n"),
            on_progress=lambda tally: stderr.write(_told(tally, began_ns, clock)),
        )  # fmt: skip
        if watch:
            for number in (posix.SIGTERM, posix.SIGINT):
                posix.signal(number, lambda *_: stop.set())
            service.watch(Path(input_), out / POSITION, symbol=only, poll_s=poll_s, stop=stop)
        elif input_ == "-":
            if sys.stdin is None:
                raise InvalidArgument("standard input is closed: name a file or folder with --input", field="input")
            service.read_pipe(sys.stdin.fileno(), symbol=only)
        else:
            service.read_files(Path(input_), symbol=only)
    stderr.write(funnel(service.tally))
    stderr.write(_told(service.tally, began_ns, clock))


def funnel(tally: Tally) -> str:
    """Return how many decisions ended at each code, most frequent first, a line each."""
    rows = sorted(tally.codes.items(), key=lambda pair: (-pair[1], pair[0]))
    width = max((len(code) for code, _ in rows), default=0)
    return "".join(f"{code:<{width}}  {count:>9,}  {count / tally.emitted:>6.1%}\n" for code, count in rows)


def duration_s(text: str) -> float:
    """Return the seconds of a text such as 500ms, 1s or 2m. Raises InvalidArgument."""
    match = re.fullmatch(r"(\d{1,6})(ms|s|m)", text)
    seconds = int(match[1]) * _UNITS_S[match[2]] if match else 0.0
    if not 0 < seconds <= _MAX_POLL_S:
        raise InvalidArgument(f"poll is {text!r}: write a time such as 500ms, 1s or 2m, at most 1 hour", field="poll")
    return seconds


class _Printer:
    """Shows decisions until nobody looks any more; they are kept all the same."""

    def __init__(self, stdout: TextIO) -> None:
        self._stdout: TextIO | None = stdout

    def __call__(self, signal: Signal) -> None:
        if self._stdout is None:
            return
        try:
            self._stdout.write(line_of(row_of(signal)).decode())
            self._stdout.flush()
        except BrokenPipeError:
            # The interpreter flushes standard output once more as it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stdout.fileno())
            self._stdout = None


def _told(tally: Tally, began_ns: int, clock: Clock) -> str:
    return tally.line((clock.monotonic_ns() - began_ns) / NS_PER_S) + "\n"


def _run_id(wanted: str | None, position: Path | None, clock: Clock) -> str:
    """Return the run's id: the one asked for, that of a watched folder's earlier run, or one of this moment."""
    noted = read_position(position) if position is not None else None
    if noted is not None:
        if wanted not in (None, noted.get("run_id")):
            raise InvalidArgument(
                f"{position} belongs to run {noted.get('run_id')}, --run-id is {wanted}: use another --out",
                field="run_id",
            )
        return str(noted.get("run_id"))
    return wanted or re.sub(r"[-:]", "", rfc3339(clock.now_ns())[:19]) + "Z"


def _checked(symbols: Sequence[str]) -> frozenset[str]:
    for symbol in symbols:
        if _SYMBOL.fullmatch(symbol) is None:
            raise InvalidArgument(
                f"symbol is {symbol[:80]!r}: 1 to 32 letters, digits, ':', '.', '_' or '-'", field="symbols"
            )
    return frozenset(symbols)


def _time_ms(text: str) -> int:
    try:
        return int(text) if text.isdecimal() and len(text) <= 15 else parse_rfc3339(text) // NS_PER_MS
    except (ValueError, OverflowError) as fault:
        raise InvalidArgument(
            f"since is {text[:80]!r}: write Unix milliseconds, or a time such as 2026-01-02T03:04:05Z", field="since"
        ) from fault
