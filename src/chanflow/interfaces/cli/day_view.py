"""The day in the terminal: live while it runs, and its figures at the end. Readable without colour, 80 columns wide.

Imported by the commands that need it, when they need it: `rich` is not free.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from chanflow.review.chart import utc
from chanflow.review.daily import Day
from chanflow.review.report import (
    FLOW_CAVEAT,
    NOTICE,
    NOTICE_ZH,
    ladder_level,
    money,
    percent,
    plain_number,
    quote_unit,
)

REFRESH_NS = 100_000_000
"""Shortest time between two drawings of the live view, ns."""

PLAIN_LINES = 10
"""How many lines of progress a log gets at most."""


def _tone(value: Decimal) -> str:
    return "green" if value > 0 else "red" if value < 0 else ""


def _text(words: str, style: str = "") -> Text:
    """Words of the journal: no markup is read in them, and no control character reaches the terminal."""
    return Text("".join(c if c.isprintable() else "\ufffd" for c in words), style, overflow="fold")


def _counts(counts: Mapping[str, int]) -> str:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {n:,}" for name, n in ranked if n) or "none"


def _rows(rows: Iterable[tuple[str, str, str]]) -> Table:
    """Lines of name, right-aligned figure and what it is made of."""
    table = Table.grid(padding=(0, 2))
    table.add_column(width=14, style="dim")
    table.add_column(width=12, justify="right", style="bold", no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    for name, figure, detail in rows:
        table.add_row(Text(name), _text(figure), _text(detail))
    return table


def _money(day: Day) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(width=14, style="dim")
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    unit = _text(quote_unit(day)).plain
    share = f"{percent(day.net_quote / day.capital_quote, signed=True)} of capital" if day.capital_quote > 0 else ""
    for name, amount, detail, tone in (
        ("gross", money(day.gross_quote, signed=True), "at the prices decided on", _tone(day.gross_quote)),
        ("- fees", money(day.fees_quote), "", ""),
        ("- slippage", money(day.slippage_quote), "", ""),
        ("= net", money(day.net_quote, signed=True), share, f"bold {_tone(day.net_quote)}".strip()),
        ("equity", money(day.equity_quote), f"from {money(day.capital_quote)}", ""),
        ("max drawdown", percent(day.max_drawdown_frac), "of the high-water mark", ""),
    ):
        table.add_row(Text(name), Text(amount if "%" in amount else f"{amount} {unit}", style=tone), Text(detail))
    return table


def summary(day: Day) -> RenderableType:
    """Return the figures of a day for the terminal: what was seen, refused, filled, paid and kept."""
    won, lost = (sum(1 for t in day.trades if sign * t.net_quote > 0) for sign in (1, -1))
    legs = [fill.leg.replace("_", "-") for fill in day.fills]
    lines = [
        ("signals", f"{len(day.signals):,}", _counts(day.signal_codes)),
        ("proposals", f"{sum(day.proposals.values()):,}", _counts(day.proposals)),
        ("refused", f"{len(day.refusals):,}", _counts(day.refusal_codes)),
        ("approved", f"{day.approvals:,}", f"{sum(day.clips.values()):,} clips" if day.clips else "none clipped"),
        ("orders sent", f"{day.orders_sent:,}", ""),
        ("fills", f"{len(day.fills):,}", _counts({leg: legs.count(leg) for leg in legs})),
        ("trades", f"{len(day.trades):,}", f"{won} won, {lost} lost" if day.trades else "none"),
        ("triggers", f"{sum(day.triggers_fired.values()):,}", _counts(day.triggers_fired)),
        ("ladder", ladder_level(day), day.ladder[-1][2] if day.ladder else "no change"),
    ]
    if day.managed:
        lines.append(("managed", f"{sum(day.managed.values()):,}", _counts(day.managed)))
    checks, matches = day.market.get("book_checks"), day.market.get("book_matches")
    if checks is not None and matches is not None:
        same = f"events where the rebuilt book equals bookTicker, of {checks:,} comparable"
        lines.append(("book", f"{matches:,}", same))
    parts: list[RenderableType] = [Rule("The day", align="left", style="dim"), _rows(lines)]
    sentences = {code: words for refusal in day.refusals for code, words in refusal.reasons}
    if sentences:
        parts += [Text(), Text("why the gate refused (the last time of each)", style="dim")]
        counted = sorted(day.refusal_codes.items(), key=lambda item: (-item[1], item[0]))
        parts.append(_rows(("", f"{n:,} x", f"{code}: {sentences[code]}") for code, n in counted))
    if day.anomalies:
        parts += [Text(), Text("anomalies", style="bold yellow")]
        parts += [Padding(_text(words), (0, 0, 0, 2)) for words in day.anomalies]
    parts += [Text(), _money(day), Text()]
    if not day.finished:
        parts.append(Text("! The journal does not say that this run finished: these are its figures so far.", "yellow"))
    parts.append(Text(f"{NOTICE} ({NOTICE_ZH}). {FLOW_CAVEAT}", style="dim"))
    return Group(*parts)


class LiveView:
    """Shows a run while it goes on: a picture on a terminal, at most ten lines in a log.

    `monotonic_ns` returns ns that never go back (`Clock.monotonic_ns`). A terminal is drawn at most ten times a second,
    and once more when the view closes.
    """

    def __init__(self, *, monotonic_ns: Callable[[], int], console: Console | None = None) -> None:
        self._console = console or Console()
        self._now_ns = monotonic_ns
        self._live = (
            Live(console=self._console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
            if self._console.is_terminal and not self._console.is_dumb_terminal
            else None
        )
        self._drawn_ns: int | None = None
        self._tenths = 0

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def note(self, words: str) -> None:
        """Print a line that stays, above the picture."""
        self._console.print(_text(words), soft_wrap=True)

    def update(
        self,
        *,
        simulated_ms: int,
        start_ms: int,
        end_ms: int,
        price: float | None,
        equity: Decimal,
        signals: int,
        orders: int,
        fills: int,
        note: str,
    ) -> None:
        """Take where the run stands. Times in Unix ms of the market's own time, price and equity in quote."""
        done = 1.0 if end_ms <= start_ms else min(1.0, max(0.0, (simulated_ms - start_ms) / (end_ms - start_ms)))
        now = f"{utc(simulated_ms)} UTC"
        priced = "-" if price is None else plain_number(price)
        figures = f"price {priced}  equity {money(equity)}"
        counts = f"signals {signals:,}  orders {orders:,}  fills {fills:,}"
        if self._live is None:
            self._log(done, f"{done:>4.0%}  {now}  {figures}  {counts}" + (f"  {note}" if note else ""))
            return
        first = Table.grid(padding=(0, 2))
        first.add_row(ProgressBar(total=1.0, completed=done, width=24), Text(f"{done:>4.0%}", "bold"), Text(now))
        second = Text(f"{figures}  {counts}", no_wrap=True, overflow="ellipsis")
        self._draw(Group(first, second, _text(note, "dim")))

    def _log(self, done: float, words: str) -> None:
        tenths = int(done * PLAIN_LINES)
        if tenths > self._tenths:
            self._tenths = tenths
            self._console.print(_text(words), soft_wrap=True)

    def _draw(self, picture: RenderableType) -> None:
        assert self._live is not None
        now_ns = self._now_ns()
        due = self._drawn_ns is None or now_ns - self._drawn_ns >= REFRESH_NS
        self._live.update(picture, refresh=due)
        if due:
            self._drawn_ns = now_ns
