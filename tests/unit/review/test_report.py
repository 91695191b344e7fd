"""The day's report: whole, escaped, well formed, the same bytes every time."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from random import Random
from typing import Any

import pytest

from chanflow.domain.market_data import Bar
from chanflow.review import report
from chanflow.review.daily import ChartFill, ChartSignal, ChartTrade, Day, Mark, Refusal

START_MS = 1_704_412_800_000  # 2024-01-05 00:00 UTC
MINUTE = 60_000
HOSTILE = '<script>alert("x")</script>&\''
VOID = {"meta", "input"}


def walk(count: int, *, seed: int = 7, first: float = 43_210.5) -> list[Bar]:
    chance, price, bars = Random(seed), first, []
    for i in range(count):
        ends = [price]
        for _ in range(4):
            ends.append(round(ends[-1] * (1 + chance.gauss(0, 0.00045)), 1))
        volume = round(chance.uniform(5, 60), 3)
        bars.append(Bar(START_MS + i * MINUTE, MINUTE, ends[0], max(ends), min(ends), ends[-1], volume,
                        volume * ends[-1], chance.randrange(80, 900), volume / 2))  # fmt: skip
        price = ends[-1]
    return bars


def zigzag(bars: list[Bar], span: int) -> list[Mapping[str, Any]]:
    strokes, at, up = [], 0, True
    while at + span < len(bars):
        pick = max if up else min
        end = pick(range(at + span // 2, at + span), key=lambda i: bars[i].high if up else bars[i].low)
        strokes.append({
            "index": len(strokes), "start_bar": at, "end_bar": end, "start_ts_ms": bars[at].ts_ms,
            "end_ts_ms": bars[end].ts_ms, "start_price": bars[at].low if up else bars[at].high,
            "end_price": bars[end].high if up else bars[end].low, "direction": "up" if up else "down",
            "state": "confirmed",
        })  # fmt: skip
        at, up = end, not up
    strokes[-1] = {**strokes[-1], "state": "provisional"}
    return strokes


def sample_day(bars: list[Bar]) -> Day:
    """A day of six round trips on `bars`, with every kind of record."""
    day = Day(finished=True, records=4_812, capital_quote=Decimal(10_000))
    day.head = {
        "format": "chanflow.journal/1", "run_id": "paper-7-1f3a9c20", "seed": 7, "level": "1m", "previous": None,
        "source": {"kind": "wire", "file": "BTCUSDT-2024-01-05.jsonl.zst", "sha256": "9f" * 32, "symbol": "BTCUSDT"},
        "instrument": {"symbol": "BTCUSDT", "base": "BTC", "quote": "USDT", "tick": "0.1"},
        "settings": {"risk": {"ladder": {"paper_start": "L2"}, "max_leverage": 3}},
        "settings_hash": "5c" * 32, "code": {"version": "0.1.0", "sha256": "e1" * 32},
    }  # fmt: skip
    day.strokes = zigzag(bars, 45)
    legs = ("take_profit", "stop", "exit", "stop", "take_profit", "stop")
    wallet = day.capital_quote
    for n, leg in enumerate(legs):
        into, out = bars[60 + n * 200], bars[60 + n * 200 + 55 + 17 * n]
        long = n % 3 != 1
        qty, sign = Decimal("0.035"), 1 if long else -1
        entry, leave = Decimal(str(into.close)), Decimal(str(out.close))
        fees = ((entry + leave) * qty * Decimal("0.0004")).quantize(Decimal("0.00000001"))
        gross = (leave - entry) * qty * sign
        for bar, price, name, side in ((into, entry, "entry", long), (out, leave, leg, not long)):
            day.fills.append(
                ChartFill(bar.ts_ms + 30_000, "buy" if side else "sell", name, price, qty, fees / 2, False)
            )
        day.trades.append(ChartTrade(f"p{n}", "long" if long else "short", into.ts_ms + 30_000, out.ts_ms + 30_000, qty,
                                     entry, leave, leg, gross, fees, gross - fees))  # fmt: skip
        day.fees_quote += fees
        day.slippage_quote += Decimal("0.37")
    high = wallet
    for bar in bars:
        equity = wallet
        for trade in day.trades:
            sign = 1 if trade.side == "long" else -1
            if trade.opened_ms <= bar.close_ms:
                at = trade.exit_price if trade.closed_ms <= bar.close_ms else Decimal(str(bar.close))
                equity += (at - trade.entry_price) * trade.qty_base * sign - trade.fees_quote
        high = max(high, equity)
        day.max_drawdown_frac = max(day.max_drawdown_frac, 1 - equity / high)
        day.marks.append(Mark(bar.close_ms, Decimal(str(bar.close)), equity))
        day.equity_quote = equity
    codes = ["OK"] * 9 + ["LOW_SCORE"] * 31 + ["AGAINST_FLOW"] * 12 + ["FAIL_GATING"] * 6 + ["WARMUP"] * 4
    day.signals = [
        ChartSignal(START_MS + i * MINUTE, "buy", c, "43000", 0.7, ("stroke#1",)) for i, c in enumerate(codes)
    ]
    day.proposals = Counter({"open_long": 5, "open_short": 4, "hold": 2, "close": 1})
    day.approvals, day.orders_sent = 7, 19
    day.refusals = [
        Refusal(START_MS + 3_600_000 * h, f"018cd5a4-7c00-7000-8000-00000000000{h}", reasons)
        for h, reasons in (
            (5, (("confidence", "confidence is 0.62, L2 needs 0.75"),)),
            (9, (("trades_per_day", "this would be opening trade 3 of the day, L2 allows 2"),
                 ("asset_exposure", "exposure on BTC would be 0.34 of equity, limit is 0.30"))),
            (14, (("trades_per_day", "this would be opening trade 4 of the day, L2 allows 2"),)),
        )
    ]  # fmt: skip
    day.clips = Counter({"bound by max position (ladder L2)": 5, "leverage 3 -> 2 (ladder L2)": 4})
    day.triggers_fired = Counter({"price_cross": 3, "time_at": 2})
    day.ladder = [(bars[-1].ts_ms, "L0", "day loss is 0.0312 of equity, hard limit is 0.03")]
    day.anomalies = ["fill for unknown order cf-0007"]
    day.market = {"events": 18_403_211, "bars": len(bars), "feature_rows": 86_400, "gaps": 0,
                  "book_checks": 2_911_034, "book_matches": 2_911_034, "features_sha256": "ab" * 32,
                  "gap_list": []}  # fmt: skip
    return day


class Tags(HTMLParser):
    """Reads a page, fails on a tag that does not close, and keeps what it saw."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen: Counter[str] = Counter()
        self.addresses: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen[tag] += 1
        self.addresses += [str(v) for k, v in attrs if k in ("src", "href", "xlink:href", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    tags.close()
    assert tags.open == []
    return tags


def words(page: str) -> str:
    return " ".join("".join(read(page).text).split())


@pytest.fixture(scope="module")
def bars() -> list[Bar]:
    return walk(1_440)


@pytest.fixture
def day(bars: list[Bar]) -> Day:
    return sample_day(bars)


def test_the_same_day_gives_the_same_bytes(bars: list[Bar]) -> None:
    assert report.render(sample_day(bars), bars, title="A day") == report.render(sample_day(bars), bars, title="A day")


def test_the_page_is_well_formed_and_stands_alone(day: Day, bars: list[Bar]) -> None:
    page = report.render(day, bars, title="A day")
    tags = read(page)
    assert tags.addresses == []
    assert "url(" not in page
    assert "@import" not in page
    assert tags.seen["script"] == 1
    assert tags.seen["svg"] == 4  # two charts, each wide and narrow


def test_every_section_says_its_figures(day: Day, bars: list[Bar]) -> None:
    text = words(report.render(day, bars, title="BTCUSDT, 2024-01-05"))
    for expected in (
        "BTCUSDT, 2024-01-05", "Not investment advice · 不构成投资建议", "predicts almost nothing",
        f"{report.money(day.net_quote, signed=True)} USDT", "Ladder (权限阶梯)L01 fall", "62 signals",
        "12 proposals", "7 approved", "19 orders sent", "12 fills", "LOW_SCORE3150.0 %", "open_long541.7 %",
        "refused330.0 %", "trades_per_day250.0 %", "confidence is 0.62, L2 needs 0.75",
        "bound by max position (ladder L2)5", "price_cross3", "fill for unknown order cf-0007",
        "The rebuilt book equals bookTicker on 2,911,034 of 2,911,034 comparable events.", "Events read18,403,211",
        "gap_listnone",
        "Runpaper-7-1f3a9c20", "RecordingBTCUSDT-2024-01-05.jsonl.zst", "9f" * 32, "5c" * 32, "e1" * 32,
        "Journal records4,812", "settings.risk.max_leverage3", "provisional stroke",
    ):  # fmt: skip
        assert expected in text, expected


def test_gross_less_cost_is_net_on_the_page() -> None:
    day = Day(capital_quote=Decimal(1000), equity_quote=Decimal("990.50"), fees_quote=Decimal("3.25"),
              slippage_quote=Decimal("1.25"))  # fmt: skip
    assert "Gross (毛利)−5.00−Fees (手续费)3.25−Slippage (滑点)1.25=Net (净利)−9.50" in words(
        report.render(day, [], title="t")
    )


def test_fills_and_strokes_are_drawn_in_both_sizes(day: Day, bars: list[Bar]) -> None:
    page = report.render(day, bars, title="A day")
    assert page.count('<g class="fill buy">') == 2 * sum(f.side == "buy" for f in day.fills)
    assert page.count('<g class="fill sell">') == 2 * sum(f.side == "sell" for f in day.fills)
    assert page.count('<path class="stroke"') == 2 * (len(day.strokes) - 1)
    assert page.count('<path class="stroke provisional"') == 2
    assert page.count('<circle class="badge"') == 2 * 5  # three stops and two take-profits
    assert 100 < page.count('<path class="candle') <= 2 * 400


def test_a_void_stroke_and_an_older_word_on_a_stroke_are_not_drawn(bars: list[Bar]) -> None:
    first, second, *_ = zigzag(bars, 45)
    day = Day(strokes=[{**first, "state": "provisional"}, first, second, {**second, "state": "void"}])
    page = report.render(day, bars, title="A day")
    assert page.count('<path class="stroke"') == 2
    assert '<path class="stroke provisional"' not in page


def test_the_times_of_both_charts_line_up(day: Day, bars: list[Bar]) -> None:
    page = report.render(day, bars, title="A day")
    noon = re.findall(r'<text class="tick mid" x="([0-9.]+)" y="\d+">12:00</text>', page)
    assert len(noon) == 4
    assert (noon[0], noon[1]) == (noon[2], noon[3])


def test_hostile_text_stays_text(bars: list[Bar]) -> None:
    day = sample_day(bars)
    day.head = {"run_id": HOSTILE, HOSTILE: HOSTILE, "instrument": {"base": HOSTILE, "quote": HOSTILE}}
    day.anomalies = [HOSTILE]
    day.clips = day.triggers_fired = day.proposals = Counter({HOSTILE: 1})
    day.refusals = [Refusal(START_MS, HOSTILE, ((HOSTILE, HOSTILE),))]
    day.ladder = [(START_MS, HOSTILE, HOSTILE)]
    day.market = {HOSTILE: HOSTILE, "book_checks": HOSTILE, "book_matches": HOSTILE}
    day.signals = [replace(day.signals[0], decision_code=HOSTILE)]
    day.fills = [replace(f, leg=HOSTILE) for f in day.fills]
    day.trades = [replace(t, exit_leg=HOSTILE, side=HOSTILE) for t in day.trades]
    day.strokes = [{**s, "direction": HOSTILE} for s in day.strokes]
    page = report.render(day, bars, title=HOSTILE)
    tags = read(page)
    assert tags.seen["script"] == 1
    assert "<script>alert" not in page
    assert "".join(tags.text).count(HOSTILE) > 20


def test_an_empty_day_says_none() -> None:
    page = report.render(Day(), [], title="Nothing")
    tags = read(page)
    assert tags.seen["svg"] == 0
    assert page.count('<p class="none">none</p>') == 13
    text = words(page)
    assert "The journal does not say that this run finished" in text
    assert "Runnot recorded" in text
    assert "no round trip" in text


def test_a_finished_day_carries_no_warning(day: Day, bars: list[Bar]) -> None:
    assert "does not say that this run finished" not in report.render(day, bars, title="A day")


def test_a_book_that_differs_is_a_warning(day: Day, bars: list[Bar]) -> None:
    day.market = {"book_checks": 10, "book_matches": 9}
    page = report.render(day, bars, title="A day")
    assert '<p class="warn"><b>!</b> The rebuilt book equals bookTicker on 9 of 10 comparable events.</p>' in page


@pytest.mark.parametrize("count", [1, 2, 399, 5_000])
def test_any_number_of_bars_makes_at_most_400_candles(count: int) -> None:
    page = report.render(Day(), walk(count), title="t")
    read(page)
    wide = page[page.index('<svg class="wide"') : page.index('<svg class="narrow"')]
    assert 1 <= wide.count('<path class="candle') <= 400


@pytest.mark.parametrize("scale", [1e-9, 1e12, 1e25])
def test_tiny_and_huge_prices_are_drawn(scale: float) -> None:
    bar = Bar(START_MS, MINUTE, 3 * scale, 4 * scale, 2 * scale, 3.5 * scale, 1, 1, 1, 1)
    fill = ChartFill(START_MS, "buy", "entry", Decimal(str(3 * scale)), Decimal("1e-18"), Decimal(0), True)
    page = report.render(Day(fills=[fill]), [bar], title="t")
    read(page)
    assert not re.search(r'"[^"]*\b(nan|inf)\b', page)
    assert '<g class="fill buy">' in page


def test_negative_equity_is_drawn_and_signed() -> None:
    day = Day(capital_quote=Decimal(100), equity_quote=Decimal("-50.5"), max_drawdown_frac=Decimal("1.505"))
    day.marks = [Mark(START_MS, Decimal(1), Decimal(100)), Mark(START_MS + MINUTE, Decimal(1), Decimal("-50.5"))]
    page = report.render(day, [], title="t")
    text = words(page)
    assert "−150.50 quote" in text
    assert "150.50 %" in text
    assert '<path class="drawdown"' in page


def test_no_more_than_the_wanted_readings_are_drawn_and_the_extremes_stay() -> None:
    day = Day(capital_quote=Decimal(100), equity_quote=Decimal(100))
    values = [Decimal(100)] * 10_000
    values[4_321], values[7_777] = Decimal(90), Decimal(120)
    day.marks = [Mark(START_MS + i * 1_000, Decimal(1), v) for i, v in enumerate(values)]
    page = report.render(day, [], title="t")
    wide = page[page.index('<svg class="wide"') : page.index('<svg class="narrow"')]
    assert 150 < wide.count('<circle class="probe"') <= 304
    assert "equity 90.00" in wide
    assert "equity 120.00" in wide


@pytest.mark.parametrize(
    ("value", "text"),
    [("0", "0.00"), ("-0.004", "0.00"), ("1234567.891", "1,234,567.89"), ("-3.5", "−3.50"), ("1e30", f"{10**30:,}.00")],
)
def test_money_has_two_decimals(value: str, text: str) -> None:
    assert report.money(Decimal(value)) == text


def test_a_column_of_prices_shares_its_decimals(day: Day, bars: list[Bar]) -> None:
    day.trades = [replace(day.trades[0], entry_price=Decimal(p)) for p in ("44165", "1e25", "2.25")]
    text = words(report.render(day, bars, title="t"))
    for shown in ("44,165.00", "10,000,000,000,000,000,000,000,000.00", "2.25"):
        assert shown in text


def test_a_price_of_a_float_shows_no_binary_dust() -> None:
    assert report.plain_number(100.14500000000001) == "100.145"
    assert report.plain_number(Decimal("-1234.50")) == "−1,234.5"


def test_a_gain_is_signed_where_asked() -> None:
    assert report.money(Decimal(2), signed=True) == "+2.00"
    assert report.percent(Decimal("0.0123"), signed=True) == "+1.23 %"
