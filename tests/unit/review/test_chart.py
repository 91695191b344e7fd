"""Charts: exact coordinates on small inputs."""

from decimal import Decimal

import pytest

from chanflow.domain.market_data import Bar
from chanflow.review.chart import (
    Frame,
    Marker,
    Scale,
    aggregate,
    axes,
    band,
    candle,
    candle_ms,
    coord,
    frame,
    line,
    markers,
    nice_ticks,
    padded,
    path,
    probe,
    svg,
    time_ticks,
    utc,
)

MIDNIGHT = 1_704_412_800_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def bar(minute: int, *, o: float = 10, h: float = 14, low: float = 8, c: float = 12, ms: int = MINUTE) -> Bar:
    return Bar(MIDNIGHT + minute * MINUTE, ms, o, h, low, c, 2.0, 20.0, 3, 1.0)


def plot() -> Frame:
    """100 px a minute, 10 px a unit of price, price 0 at the bottom of 200 px."""
    return Frame(400, 226, Scale(MIDNIGHT, MIDNIGHT + 3 * MINUTE, 0, 300), Scale(0, 20, 200, 0))


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1"), (1.256, "1.26"), (-0.001, "0"), (100, "100"), (0.1, "0.1"), (-2.5, "-2.5")]
)
def test_a_coordinate_has_two_decimals_at_most(value: float, text: str) -> None:
    assert coord(value) == text


def test_a_scale_maps_ends_and_middle_and_turns_around() -> None:
    scale = Scale(0, 20, 200, 0)
    assert [scale.at(v) for v in (0, 5, 20)] == [200, 150, 0]


@pytest.mark.parametrize(
    ("low", "high", "out"),
    [(0, 10, (-1, 11)), (5, 5, (4.95, 5.05)), (0, 0, (-1, 1)), (-5, -5, (-5.05, -4.95))],
)
def test_padding_never_leaves_an_empty_span(low: float, high: float, out: tuple[float, float]) -> None:
    assert padded(low, high, 0.1) == pytest.approx(out)


@pytest.mark.parametrize(
    ("low", "high", "most", "texts"),
    [
        (0, 10, 5, ["0", "2", "4", "6", "8", "10"]),
        (9_985.3, 10_029, 5, ["9990", "10000", "10010", "10020"]),
        (0.1, 0.35, 3, ["0.1", "0.2", "0.3"]),
        (-0.3, 0.3, 3, ["-0.2", "0.0", "0.2"]),
        (1e20, 1.4e20, 2, ["100000000000000000000", "120000000000000000000", "140000000000000000000"]),
        (3, 3, 4, []),
    ],
)
def test_ticks_are_round(low: float, high: float, most: int, texts: list[str]) -> None:
    assert [f"{t:f}" for t in nice_ticks(low, high, most)] == texts


@pytest.mark.parametrize(("low", "high"), [(1e15, 1e15 + 1), (1e-9, 1.0000001e-9), (-7, 1e9)])
def test_ticks_stay_few_and_inside(low: float, high: float) -> None:
    ticks = nice_ticks(low, high, 6)
    assert 1 <= len(ticks) <= 7
    assert all(Decimal(repr(low)) <= t <= Decimal(repr(high)) for t in ticks)


@pytest.mark.parametrize(
    ("start", "end", "most", "labels"),
    [
        (MIDNIGHT, MIDNIGHT + DAY, 4, ["01-05", "06:00", "12:00", "18:00", "01-06"]),
        (MIDNIGHT + 61_000, MIDNIGHT + 80_000, 4, ["00:01:05", "00:01:10", "00:01:15", "00:01:20"]),
        (MIDNIGHT + 10 * HOUR, MIDNIGHT + 11 * HOUR, 3, ["10:00", "10:30", "11:00"]),
    ],
)
def test_time_ticks_are_round_in_utc(start: int, end: int, most: int, labels: list[str]) -> None:
    assert [label for _, label in time_ticks(start, end, most)] == labels


def test_a_century_has_few_time_ticks() -> None:
    assert 1 <= len(time_ticks(0, 36_525 * DAY, 5)) <= 6


def test_utc_is_utc() -> None:
    assert utc(MIDNIGHT + 3_661_000) == "2024-01-05 01:01:01"


def test_candles_take_the_smallest_round_width_that_fits() -> None:
    day = [bar(i) for i in range(1_440)]
    assert candle_ms(day, 300) == 5 * MINUTE
    assert candle_ms(day, 100) == 15 * MINUTE
    assert candle_ms(day[:300], 300) == MINUTE
    assert candle_ms([], 300) == 0


def test_an_odd_interval_is_joined_in_its_own_multiples() -> None:
    odd = [Bar(i * 7_001, 7_001, 1, 1, 1, 1, 1, 1, 1, 1) for i in range(1_000)]
    width = candle_ms(odd, 100)
    assert width % 7_001 == 0
    assert len(aggregate(odd, width)) <= 100


def test_joined_bars_keep_first_open_last_close_extremes_and_sums() -> None:
    joined = aggregate([bar(4, c=9), bar(5, o=9, h=20, low=3, c=4), bar(6, o=4, h=5, low=1, c=2)], 5 * MINUTE)
    assert joined == [
        Bar(MIDNIGHT, 5 * MINUTE, 10, 14, 8, 9, 2, 20, 3, 1),
        Bar(MIDNIGHT + 5 * MINUTE, 5 * MINUTE, 9, 20, 1, 2, 4, 40, 6, 2),
    ]


def test_bars_at_their_own_width_are_left_alone() -> None:
    bars = [bar(0), bar(1)]
    assert aggregate(bars, MINUTE) == bars


def test_a_rising_candle_is_a_wick_and_a_body() -> None:
    assert candle(bar(1), plot(), "a < b") == (
        '<path class="candle rise" data-x="150" d="M150 60V120M115 80h70v20h-70z"><title>a &lt; b</title></path>'
    )


def test_a_falling_candle_says_so_and_a_flat_one_keeps_a_pixel() -> None:
    assert '<path class="candle fall"' in candle(bar(0, o=12, c=10), plot(), "")
    assert "M15 100h70v1h-70z" in candle(bar(0, o=10, c=10), plot(), "")


def test_a_path_moves_once_and_then_draws() -> None:
    assert path([(0, 1), (2.5, 3), (4, 5)]) == "M0 1L2.5 3L4 5"


def test_a_line_of_one_point_is_a_dot_and_of_none_nothing() -> None:
    assert line("equity", []) == ""
    assert line("equity", [(1, 2)]) == '<circle class="equity dot" cx="1" cy="2" r="3"></circle>'
    assert line("equity", [(1, 2), (3, 4)], tooltip="<") == (
        '<path class="equity" d="M1 2L3 4"><title>&lt;</title></path>'
    )


def test_a_band_goes_out_on_one_line_and_back_on_the_other() -> None:
    assert band("drawdown", [(0, 1), (2, 1)], [(0, 3), (2, 4)]) == '<path class="drawdown" d="M0 1L2 1L2 4L0 3Z"/>'
    assert band("drawdown", [(0, 1)], [(0, 3)]) == ""


def test_a_buy_points_up_from_below_and_a_sell_down_from_above() -> None:
    buy = markers([Marker(50, 100, "buy", "E", badge=False, tooltip="in")])
    assert buy == (
        '<g class="fill buy"><title>in</title><path d="M50 103L55 111H45Z"/>'
        '<text class="leg" x="50" y="122.5">E</text></g>'
    )
    sell = markers([Marker(50, 100, "sell", "S", badge=True, tooltip="out")])
    assert sell == (
        '<g class="fill sell"><title>out</title><path d="M50 97L55 89H45Z"/>'
        '<circle class="badge" cx="50" cy="81" r="6.5"/><text class="leg" x="50" y="84.5">S</text></g>'
    )


def test_a_letter_that_would_cover_another_is_left_out() -> None:
    near = [Marker(x, 100, "buy", "E", badge=False, tooltip="") for x in (50, 62, 63)]
    drawn = markers(near)
    assert drawn.count("<path") == 3
    assert drawn.count("<text") == 2


def test_a_probe_carries_its_reading() -> None:
    assert probe(1, 2, "x & y") == (
        '<circle class="probe" data-x="1" cx="1" cy="2" r="5"><title>x &amp; y</title></circle>'
    )


def test_axes_label_values_and_times_and_hide_what_the_tag_covers() -> None:
    drawn = axes(plot(), columns=3, rows=4, tag=(5.5, "5.50"))
    assert '<path class="grid" d="M0 150H300"/>' in drawn
    assert '<text class="tick" x="309" y="104">10</text>' in drawn
    assert ">5</text>" not in drawn
    assert '<text class="tag-text" x="309" y="149">5.50</text>' in drawn
    assert '<text class="tick mid" x="100" y="218">00:01</text>' in drawn
    assert ">5</text>" in axes(plot(), columns=3, rows=4, tag=None)


def test_a_frame_leaves_room_for_its_labels_and_is_never_empty() -> None:
    one = frame(width=400, height=226, times=(MIDNIGHT, MIDNIGHT), values=(5, 5), widest_label=5)
    assert (one.x.start, one.x.end) == (4, pytest.approx(345.5))
    assert one.x.at(MIDNIGHT) == pytest.approx((4 + 345.5) / 2)
    assert one.y.at(5) == pytest.approx(106)
    assert frame(width=400, height=226, times=(0, 1), values=(0, 1), widest_label=99).x.end == pytest.approx(400 / 3)


def test_a_picture_says_what_it_shows() -> None:
    drawn = svg(plot(), "<g/>", css="wide", label='"quoted"')
    assert drawn.startswith('<svg class="wide" viewBox="0 0 400 226" role="img" aria-label="&quot;quoted&quot;"><g/>')
    assert drawn.endswith('<path class="cross" d="M0 0V200"/></svg>')
