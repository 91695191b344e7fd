"""The day in the terminal: complete at 80 columns, quiet in a log, unhurried on a screen."""

from collections import Counter
from decimal import Decimal
from io import StringIO

from rich.console import Console

from chanflow.interfaces.cli.day_view import LiveView, summary
from chanflow.review.daily import ChartFill, ChartSignal, ChartTrade, Day, Refusal

START_MS = 1_704_412_800_000
DAY_MS = 86_400_000


def sample_day() -> Day:
    day = Day(finished=True, capital_quote=Decimal(10_000), equity_quote=Decimal("9951.75"), fees_quote=Decimal("12.5"),
              slippage_quote=Decimal("3.25"), max_drawdown_frac=Decimal("0.0123"))  # fmt: skip
    day.approvals, day.orders_sent = 3, 9
    day.head = {"instrument": {"quote": "USDT"}, "settings": {"risk": {"ladder": {"paper_start": "L2"}}}}
    codes = ["OK"] * 4 + ["LOW_SCORE"] * 30 + ["AGAINST_FLOW"] * 11
    day.signals = [ChartSignal(START_MS, "buy", code, "43000", None, ()) for code in codes]
    day.proposals = Counter({"open_long": 4, "hold": 1})
    day.refusals = [
        Refusal(START_MS, "p", (("confidence", f"confidence is 0.{n}, L2 needs 0.75 [b]"),)) for n in (61, 62)
    ]
    day.clips = Counter({"leverage 3 -> 2": 2})
    day.fills = [ChartFill(START_MS, "buy", leg, Decimal(43_000), Decimal("0.01"), Decimal("0.2"), maker=False)
                 for leg in ("entry", "stop", "entry", "take_profit")]  # fmt: skip
    trade = ChartTrade("p", "long", START_MS, START_MS, Decimal(1), Decimal(1), Decimal(1), "stop",
                       Decimal(1), Decimal(2), Decimal(-1))  # fmt: skip
    day.trades = [trade]
    day.triggers_fired = Counter({"price_cross": 3})
    day.anomalies = ["fill for unknown order [red]cf-7[/red]"]
    return day


def text_of(day: Day) -> str:
    out = StringIO()
    Console(file=out, width=80, color_system=None).print(summary(day))
    return out.getvalue()


def flat(text: str) -> str:
    return " ".join(text.split())


def test_the_summary_has_every_figure() -> None:
    text = flat(text_of(sample_day()))
    for expected in (
        "signals 45 LOW_SCORE 30, AGAINST_FLOW 11, OK 4", "proposals 5 open_long 4, hold 1", "refused 2 confidence 2",
        "approved 3 2 clips", "orders sent 9", "fills 4 entry 2, stop 1, take-profit 1", "trades 1 0 won, 1 lost",
        "triggers 3 price_cross 3", "ladder L2 no change", "2 x confidence: confidence is 0.62, L2 needs 0.75 [b]",
        "gross −32.50 USDT", "- fees 12.50 USDT", "- slippage 3.25 USDT", "= net −48.25 USDT −0.48 % of capital",
        "equity 9,951.75 USDT from 10,000.00", "max drawdown 1.23 %", "fill for unknown order [red]cf-7[/red]",
        "Not investment advice (不构成投资建议)", "predicts almost nothing",
    ):  # fmt: skip
        assert expected in text, expected


def test_the_summary_fits_80_columns() -> None:
    day = sample_day()
    day.refusals = [Refusal(START_MS, "p", (("x" * 40, "y" * 300),))]
    assert max(len(line) for line in text_of(day).splitlines()) <= 80


def test_an_empty_day_can_be_told() -> None:
    text = flat(text_of(Day()))
    assert "signals 0 none" in text
    assert "= net 0.00 quote" in text
    assert "does not say that this run finished" in text


def test_the_journal_cannot_steer_the_terminal() -> None:
    day = sample_day()
    day.anomalies = ["before\x1b[2Jafter\r"]
    day.refusals = [Refusal(START_MS, "p", (("code\x1b]0;title\x07", "words\x9b31m"),))]
    assert not {"\x1b", "\r", "\x07", "\x9b"} & set(text_of(day))


def test_the_last_fall_of_the_ladder_is_told_with_its_cause() -> None:
    day = sample_day()
    day.ladder = [(START_MS, "L0", "day loss is 0.031, limit is 0.03")]
    assert "ladder L0 day loss is 0.031, limit is 0.03" in flat(text_of(day))


def update(view: LiveView, done: float, note: str = "") -> None:
    view.update(simulated_ms=START_MS + int(done * DAY_MS), start_ms=START_MS, end_ms=START_MS + DAY_MS, price=43_210.5,
                equity=Decimal("10012.3"), signals=12, orders=3, fills=2, note=note)  # fmt: skip


def test_a_log_gets_at_most_ten_lines_however_many_updates() -> None:
    out = StringIO()
    with LiveView(console=Console(file=out, width=80), monotonic_ns=lambda: 0) as view:
        for step in range(5_001):
            update(view, step / 5_000, "replaying [x]")
    lines = out.getvalue().splitlines()
    assert len(lines) == 10
    assert lines[4] == (
        " 50%  2024-01-05 12:00:00 UTC  price 43,210.5  equity 10,012.30  signals 12  orders 3  fills 2  replaying [x]"
    )


def test_a_run_without_length_or_price_is_done_and_said() -> None:
    out = StringIO()
    with LiveView(console=Console(file=out, width=80), monotonic_ns=lambda: 0) as view:
        view.update(simulated_ms=START_MS, start_ms=START_MS, end_ms=START_MS, price=None, equity=Decimal(0), signals=0,
                    orders=0, fills=0, note="")  # fmt: skip
    assert out.getvalue() == ("100%  2024-01-05 00:00:00 UTC  price -  equity 0.00  signals 0  orders 0  fills 0\n")


class CountingConsole(Console):
    """Counts how often it is drawn on."""

    drawn = 0

    def print(self, *args: object, **kwargs: object) -> None:
        self.drawn += 1
        super().print(*args, **kwargs)  # type: ignore[arg-type]


def test_a_terminal_is_drawn_at_most_ten_times_a_second_and_ends_with_the_last_word() -> None:
    out, now_ns = StringIO(), [0]
    console = CountingConsole(file=out, width=80, force_terminal=True, legacy_windows=False, _environ={"TERM": "xterm"})
    with LiveView(console=console, monotonic_ns=lambda: now_ns[0]) as view:
        before = console.drawn
        for step in range(1_000):
            now_ns[0] = step * 1_000_000
            update(view, step / 1_000, f"step {step}")
        during = console.drawn - before
    assert 9 <= during <= 10
    assert "step 999" in out.getvalue()


def test_a_note_is_a_line_of_its_own() -> None:
    out = StringIO()
    with LiveView(console=Console(file=out, width=40), monotonic_ns=lambda: 0) as view:
        view.note("going on with run 3, which was interrupted [after] record 120")
    assert out.getvalue() == "going on with run 3, which was interrupted [after] record 120\n"


def test_a_dumb_terminal_is_written_like_a_log() -> None:
    out = StringIO()
    console = Console(file=out, width=80, force_terminal=True, color_system=None, _environ={"TERM": "dumb"})
    with LiveView(console=console, monotonic_ns=lambda: 0) as view:
        for step in range(101):
            update(view, step / 100)
    assert out.getvalue().count("\n") == 10


def test_a_fault_in_the_run_leaves_the_terminal_whole() -> None:
    out = StringIO()
    console = Console(file=out, width=80, force_terminal=True, legacy_windows=False, _environ={"TERM": "xterm"})
    try:
        with LiveView(console=console, monotonic_ns=lambda: 0) as view:
            update(view, 0.5)
            raise KeyError("a fault")
    except KeyError:
        pass
    assert out.getvalue().rstrip().endswith("\x1b[?25h")  # the cursor is shown again
