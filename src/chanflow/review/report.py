"""The day's report: one HTML file that needs nothing else, for people.

It is read without a script; the script only follows the pointer. Same day, same bytes: no clock, no chance. Whatever
the journal says is escaped, so a hostile symbol or reason stays text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Any, Literal

from chanflow.domain.market_data import Bar
from chanflow.review import chart
from chanflow.review.daily import ZERO, ChartFill, ChartTrade, Day, Mark
from chanflow.review.page import NONE, cell, column, entries, page, pairs, ranked, section, share_bars, table, times

NOTICE = "Not investment advice"
NOTICE_ZH = "不构成投资建议"
FLOW_CAVEAT = (
    "Order flow is contemporaneous: it explains the move of the moment and predicts almost nothing of the next. "
    "Costs are charged on every fill."
)

_LEGS = {"entry": "E", "exit": "X", "stop": "S", "take_profit": "T"}
_FORCED = ("stop", "take_profit")
PROVENANCE = {
    "run_id": "Run",
    "source.kind": "Market",
    "source.symbol": "Symbol",
    "source.file": "Recording",
    "source.sha256": "SHA-256 of the recording",
    "seed": "Seed",
    "level": "Bar level",
    "settings_hash": "Settings hash",
    "code.version": "Code version",
    "code.sha256": "Code digest",
}
"""What of a journal's head identifies a run, and how the page calls it."""

_NEEDED = ("run_id", "seed", "settings_hash", "code.sha256")
_FACTS = {"events": "Events read", "bars": "Bars closed", "gaps": "Gaps in the feed"}


# ── figures as text ───────────────────────────────────────────────────────────


def money(value: Decimal, *, signed: bool = False) -> str:
    """Return an amount with two decimals and thousands separators; `signed` adds a plus to gains."""
    text = f"{value:,.2f}"
    if not text.strip("-0.,"):
        return "0.00"
    return text.replace("-", "−") if value < 0 else f"{'+' * signed}{text}"


def percent(frac: Decimal, *, signed: bool = False) -> str:
    """Return a share of 1 as percent with two decimals."""
    return f"{money(frac * 100, signed=signed)} %"


def plain_number(value: Decimal | float) -> str:
    """Return a price or quantity with thousands separators and no trailing zeros; a float to twelve figures."""
    number = value if isinstance(value, Decimal) else Decimal(f"{value:.12g}")
    text = f"{number:,f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")


def ladder_level(day: Day) -> str:
    """Return the last ladder level the journal tells of, or "not recorded"."""
    if day.ladder:
        return day.ladder[-1][1]
    start = dict(flattened(day.head)).get("settings.risk.ladder.paper_start")
    return str(day.market.get("ladder") or start or "not recorded")


def quote_unit(day: Day) -> str:
    """Return the currency of the money figures, "quote" where the journal does not name it."""
    return str(dict(flattened(day.head)).get("instrument.quote") or "quote")


def base_unit(day: Day) -> str:
    """Return the unit of quantities, "base" where the journal does not name it."""
    return str(dict(flattened(day.head)).get("instrument.base") or "base")


def flattened(facts: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Yield every leaf of nested mappings with its dotted path, sorted."""
    for key in sorted(facts, key=str):
        value = facts[key]
        if isinstance(value, Mapping):
            yield from flattened(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


# ── small pieces of HTML ──────────────────────────────────────────────────────


def _tone(value: Decimal) -> str:
    return "rise" if value > 0 else "fall" if value < 0 else ""


# ── sections ──────────────────────────────────────────────────────────────────


def _headline(day: Day) -> str:
    unit = quote_unit(day)
    net_share = f" · {percent(day.net_quote / day.capital_quote, signed=True)}" if day.capital_quote > 0 else ""
    won, lost = (sum(1 for t in day.trades if sign * t.net_quote > 0) for sign in (1, -1))
    even = len(day.trades) - won - lost
    rate = f"{percent(Decimal(won) / len(day.trades))} won" if day.trades else "no round trip"
    sums = (
        ("", "Gross", "毛利", day.gross_quote, True),
        ("−", "Fees", "手续费", day.fees_quote, False),
        ("−", "Slippage", "滑点", day.slippage_quote, False),
        ("=", "Net", "净利", day.net_quote, True),
    )
    equation = "".join(
        f'<div><span class="op">{op}</span><dt>{name} <span lang="zh">({zh})</span></dt>'
        f'<dd class="{_tone(amount) if gain else ""}" title="exactly {plain_number(amount)}">'
        f"{money(amount, signed=gain)}</dd></div>"
        for op, name, zh, amount, gain in sums
    )
    tiles = (
        ("Max drawdown", "回撤", percent(day.max_drawdown_frac), "of the high-water mark"),
        ("Ladder", "权限阶梯", ladder_level(day), times(len(day.ladder), "fall") if day.ladder else "no change"),
        ("Trades", "交易", f"{len(day.trades):,}", "round trips, " + times(len(day.fills), "fill")),
        ("Won / lost", "胜负", f"{won} / {lost}", rate + (f", {even} even" if even else "")),
    )
    cards = "".join(
        f'<div><dt>{name} <span lang="zh">({zh})</span></dt><dd>{escape(text)}</dd><dd class="sub">{escape(sub)}</dd>'
        "</div>"
        for name, zh, text, sub in tiles
    )
    return (
        '<section class="headline"><div class="net"><p class="what">Net profit and loss <span lang="zh">(净盈亏)</span>'
        f'</p><p class="figure {_tone(day.net_quote)}">{money(day.net_quote, signed=True)} '
        f'<span class="unit">{escape(unit)}</span></p><p class="sub">{escape(money(day.capital_quote))} to '
        f"{escape(money(day.equity_quote))} {escape(unit)}{escape(net_share)}</p></div>"
        f'<dl class="equation" title="all in {escape(unit)}">{equation}</dl><dl class="tiles">{cards}</dl></section>'
    )


_Reading = tuple[Mark, Decimal]
"""A mark, and the highest equity up to it."""

_SIZES = {"equity": (("wide", 1120, 280, 300), ("narrow", 380, 210, 100)),
          "price": (("wide", 1120, 440, 300), ("narrow", 380, 330, 100))}  # fmt: skip
"""Class, width and height in px, and most points or candles of the two drawings of a chart; the page shows one."""


def _span(day: Day, candles: Sequence[Bar]) -> tuple[int, int]:
    """The time both charts cover, so that they line up."""
    moments = [t for bar in candles for t in (bar.ts_ms, bar.ts_ms + bar.interval_ms)]
    moments += [mark.ts_ms for mark in day.marks] + [fill.ts_ms for fill in day.fills]
    return min(moments), max(moments)


def _gutter(day: Day, bars: Sequence[Bar]) -> int:
    """Figures of the widest label on the right of both charts, so that their times line up."""
    last = bars[-1].close if bars else day.fills[-1].price if day.fills else 0.0
    return max(len(plain_number(last)) + 1, len(money(day.marks[-1].equity_quote)) if day.marks else 0)


def _figure(drawings: Iterable[str], legend: str) -> str:
    return (
        f'<figure><p class="readout" aria-hidden="true"></p>{"".join(drawings)}'
        f"<figcaption>{legend}</figcaption></figure>"
    )


def _equity(day: Day, bars: Sequence[Bar]) -> str:
    if not day.marks:
        return section("Equity", "权益曲线", NONE)
    high, readings = max(day.capital_quote, day.marks[0].equity_quote), []
    for mark in day.marks:
        high = max(high, mark.equity_quote)
        readings.append((mark, high))
    drawings = []
    for css, width, height, most in _SIZES["equity"]:
        candles = chart.aggregate(bars, chart.candle_ms(bars, _SIZES["price"][0][3]))
        drawings.append(
            _equity_chart(
                day, readings, _span(day, candles), _gutter(day, bars), css=css, size=(width, height), most=most
            )
        )
    legend = (
        f'<span><i class="key equity"></i>equity, {escape(quote_unit(day))}, unrealised included</span>'
        '<span><i class="key capital"></i>capital</span>'
        '<span><i class="key area"></i>drawdown (回撤) under the highest equity so far</span>'
    )
    return section("Equity", "权益曲线", _figure(drawings, legend))


def _equity_chart(
    day: Day,
    readings: Sequence[_Reading],
    span: tuple[int, int],
    gutter: int,
    *,
    css: str,
    size: tuple[int, int],
    most: int,
) -> str:
    unit, last = quote_unit(day), readings[-1][0].equity_quote
    values = [float(q) for mark, high in readings for q in (mark.equity_quote, high)] + [float(day.capital_quote)]
    plot = chart.frame(width=size[0], height=size[1], times=span, values=chart.padded(min(values), max(values), 0.08),
                       widest_label=gutter)  # fmt: skip
    shown = _thinned(readings, most)
    equity = [(plot.x.at(m.ts_ms), plot.y.at(float(m.equity_quote))) for m, _ in shown]
    water = [(plot.x.at(m.ts_ms), plot.y.at(float(high))) for m, high in shown]
    base_y = plot.y.at(float(day.capital_quote))
    parts = [
        chart.axes(plot, columns=size[0] // 105, rows=size[1] // 36, tag=(float(last), money(last))),
        chart.band("drawdown", water, equity),
        chart.line("capital", [(plot.x.start, base_y), (plot.x.end, base_y)]),
        chart.line("equity", equity),
    ]
    mark, high = max(readings, key=lambda r: r[1] - r[0].equity_quote)
    if high > mark.equity_quote:
        said = f"deepest mark: {money(high - mark.equity_quote)} {unit} under the high, {chart.utc(mark.ts_ms)} UTC"
        spot = (plot.x.at(mark.ts_ms), plot.y.at(float(mark.equity_quote)))
        parts.append(chart.line("deepest", [spot], tooltip=said))
    for (mark, high), (x, y) in zip(shown, equity, strict=True):
        under = money(high - mark.equity_quote)
        said = f"{chart.utc(mark.ts_ms)} UTC · equity {money(mark.equity_quote)} {unit} · {under} {unit} under the high"
        parts.append(chart.probe(x, y, said))
    return chart.svg(plot, "".join(parts), css=css, label=f"Equity curve, ending at {money(last)} {unit}")


def _thinned(readings: Sequence[_Reading], most: int) -> list[_Reading]:
    """At most about `most` readings: of every stretch the lowest and the highest, and always the first and the last."""
    if len(readings) <= most:
        return list(readings)
    stride = -(-2 * len(readings) // most)
    kept = {0, len(readings) - 1}
    for start in range(0, len(readings), stride):
        stretch = range(start, min(start + stride, len(readings)))
        kept |= {pick(stretch, key=lambda i: readings[i][0].equity_quote) for pick in (min, max)}
    return [readings[i] for i in sorted(kept)]


def _latest_strokes(day: Day) -> list[Mapping[str, Any]]:
    """The last word of the journal on every stroke; void ones are gone."""
    latest = {(str(s.get("level", "")), int(s["index"])): s for s in day.strokes}
    return [latest[key] for key in sorted(latest) if latest[key].get("state") != "void"]


def _prices(day: Day, bars: Sequence[Bar]) -> str:
    if not bars and not day.fills:
        return section("Price, strokes and fills", "价格与笔", NONE)
    drawings, widths = [], []
    for css, width, height, most in _SIZES["price"]:
        width_ms = chart.candle_ms(bars, most)
        candles = chart.aggregate(bars, width_ms)
        span = _span(day, chart.aggregate(bars, chart.candle_ms(bars, _SIZES["price"][0][3])))
        drawings.append(_price_chart(day, candles, span, _gutter(day, bars), css=css, size=(width, height)))
        widths.append(f'<span class="{css}">candles of {_duration(width_ms)}</span>')
    legend = (
        f'{"".join(widths) if bars else ""}<span><i class="key stroke"></i>stroke (笔)</span>'
        '<span><i class="key stroke provisional"></i>provisional stroke, may still change</span>'
        '<span><b class="rise">▲</b> buy</span><span><b class="fall">▼</b> sell</span>'
        "<span><b>E</b> entry</span><span><b>X</b> exit</span><span><b>Ⓢ</b> stop (止损)</span>"
        "<span><b>Ⓣ</b> take-profit (止盈)</span>"
    )
    return section("Price, strokes and fills", "价格与笔", _figure(drawings, legend))


def _duration(ms: int) -> str:
    for unit, name in ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")):
        if ms and ms % unit == 0:
            return f"{ms // unit} {name}"
    return f"{ms} ms"


def _price_chart(
    day: Day, candles: Sequence[Bar], span: tuple[int, int], gutter: int, *, css: str, size: tuple[int, int]
) -> str:
    strokes = [s for s in _latest_strokes(day) if s["end_ts_ms"] >= span[0] and s["start_ts_ms"] <= span[1]]
    values = [v for bar in candles for v in (bar.low, bar.high)] + [float(f.price) for f in day.fills]
    values += [float(s[end]) for s in strokes for end in ("start_price", "end_price")]
    last = candles[-1].close if candles else float(day.fills[-1].price)
    plot = chart.frame(width=size[0], height=size[1], times=span, values=chart.padded(min(values), max(values), 0.09),
                       widest_label=gutter)  # fmt: skip
    parts = [chart.axes(plot, columns=size[0] // 105, rows=size[1] // 55, tag=(last, plain_number(last)))]
    parts += [chart.candle(bar, plot, _bar_words(bar, day)) for bar in candles]
    for stroke in strokes:
        provisional = stroke.get("state") == "provisional"
        ends = [
            (plot.x.at(int(stroke[f"{e}_ts_ms"])), plot.y.at(float(stroke[f"{e}_price"]))) for e in ("start", "end")
        ]
        said = (
            f"stroke {stroke['index']} {'▲' if stroke['direction'] == 'up' else '▼'} {stroke['direction']}, "
            f"{plain_number(float(stroke['start_price']))} → {plain_number(float(stroke['end_price']))}"
            f"{', provisional' if provisional else ''}"
        )
        parts.append(chart.line("stroke provisional" if provisional else "stroke", ends, tooltip=said))
    for trade in day.trades:
        ends = [(plot.x.at(trade.opened_ms), plot.y.at(float(trade.entry_price))),
                (plot.x.at(trade.closed_ms), plot.y.at(float(trade.exit_price)))]  # fmt: skip
        said = f"{trade.side} round trip, net {money(trade.net_quote, signed=True)} {quote_unit(day)}"
        parts.append(chart.line(f"trip {_tone(trade.net_quote)}".strip(), ends, tooltip=said))
    parts.append(chart.markers([_marker(fill, day, plot) for fill in day.fills]))
    return chart.svg(plot, "".join(parts), css=css, label=f"Price with strokes and fills, last {plain_number(last)}")


def _bar_words(bar: Bar, day: Day) -> str:
    prices = zip("OHLC", (bar.open, bar.high, bar.low, bar.close), strict=True)
    numbers = " ".join(f"{name} {plain_number(price)}" for name, price in prices)
    return f"{chart.utc(bar.ts_ms)} UTC · {numbers} · volume {bar.volume:,.3f} {base_unit(day)}"


def _marker(fill: ChartFill, day: Day, plot: chart.Frame) -> chart.Marker:
    words = (
        f"{fill.side} {plain_number(fill.qty_base)} {base_unit(day)} at {plain_number(fill.price)} · "
        f"{fill.leg.replace('_', '-')} · fee {money(fill.fee_quote)} {quote_unit(day)} · "
        f"{'maker' if fill.maker else 'taker'} · {chart.utc(fill.ts_ms)} UTC"
    )
    side: Literal["buy", "sell"] = "buy" if fill.side == "buy" else "sell"
    letter = _LEGS.get(fill.leg, "?")
    return chart.Marker(plot.x.at(fill.ts_ms), plot.y.at(float(fill.price)), side, letter, fill.leg in _FORCED, words)


def _trades(day: Day) -> str:
    unit, base = quote_unit(day), base_unit(day)
    heads = ("Side", "Opened (UTC)", "Closed (UTC)", f"#Quantity, {base}", "#Entry", "#Exit", "Exit leg",
             "#Gross", "#Fees", "#Net")  # fmt: skip
    columns = (_aligned([t.qty_base for t in day.trades]), _aligned([t.entry_price for t in day.trades]),
               _aligned([t.exit_price for t in day.trades]))  # fmt: skip
    rows = [_trade_row(trade, numbers) for trade, numbers in zip(day.trades, zip(*columns, strict=True), strict=True)]
    sums = [sum((getattr(t, name) for t in day.trades), ZERO) for name in ("gross_quote", "fees_quote", "net_quote")]
    texts = (money(sums[0], signed=True), money(sums[1]), money(sums[2], signed=True))
    total = f'<td colspan="7">{times(len(rows), "round trip")}, {escape(unit)}</td>'
    foot = f"<tr>{total}{''.join(cell(text, 'num') for text in texts)}</tr>"
    note = f"Flat to flat. Gross here is at fill prices, so slippage is already in it. Money in {unit}."
    return section("Trades", "交易", table(heads, rows, label="Trades", foot=foot), note=note if rows else "")


def _aligned(values: Sequence[Decimal]) -> list[str]:
    """The values of a column with the same decimals, as many as they need, at most 8 (averages have no end)."""
    places = max((len(f"{value:.8f}".rstrip("0").partition(".")[2]) for value in values), default=0)
    return [f"{value:,.{places}f}".replace("-", "−") for value in values]


def _trade_row(trade: ChartTrade, numbers: Sequence[str]) -> str:
    rising = trade.side in ("long", "buy")
    arrow, tone = ("▲", "rise") if rising else ("▼", "fall")
    cells = (
        f'<td><span class="{tone}">{arrow}</span> {escape(trade.side)}</td>',
        cell(chart.utc(trade.opened_ms)),
        cell(chart.utc(trade.closed_ms)),
        *(cell(text, "num") for text in numbers),
        cell(trade.exit_leg.replace("_", "-")),
        cell(money(trade.gross_quote, signed=True), "num"),
        cell(money(trade.fees_quote), "num"),
        cell(money(trade.net_quote, signed=True), f"num {_tone(trade.net_quote)}".strip()),
    )
    return f"<tr>{''.join(cells)}</tr>"


def _funnel(day: Day) -> str:
    proposed, refused = sum(day.proposals.values()), len(day.refusals)
    steps = (("signals", len(day.signals)), ("proposals", proposed), ("approved", day.approvals),
             ("orders sent", day.orders_sent), ("fills", len(day.fills)))  # fmt: skip
    strip = "".join(f"<li><b>{count:,}</b> {name}</li>" for name, count in steps)
    stages = (
        ("Signals by decision code", "信号", ranked(day.signal_codes)),
        ("Proposals by action", "提案", ranked(day.proposals)),
        ("The gate's answer", "风控", [("refused", refused), ("approved", day.approvals)]),
        ("Fills by leg", "成交", ranked({leg.replace("_", "-"): n for leg, n in _legs(day).items()})),
        *([("Positions managed", "持仓管理", ranked(day.managed))] if day.managed else []),
    )
    body = "".join(column(name, zh, share_bars(rows)) for name, zh, rows in stages)
    note = (
        "What was seen, and what became of it. A bar is a share of its own step; one approval may send several orders."
    )
    return section("Funnel", "漏斗", f'<ol class="strip">{strip}</ol><div class="grid2">{body}</div>', note=note)


def _legs(day: Day) -> dict[str, int]:
    legs = [fill.leg for fill in day.fills]
    return {leg: legs.count(leg) for leg in sorted(set(legs))}


def _refusals(day: Day) -> str:
    rows = [
        (r.ts_ms, r.proposal_id, "".join(f"<p><code>{escape(c)}</code> {escape(words)}</p>" for c, words in r.reasons))
        for r in day.refusals
    ]
    counts = share_bars(ranked(day.refusal_codes)) if rows else ""
    return section("Refusals", "拒绝", counts + entries(rows, "refused proposal"))


def _events(day: Day) -> str:
    parts = (
        ("Sizes clipped by the gate", "削减", share_bars(ranked(day.clips))),
        ("Triggers fired", "触发器", share_bars(ranked(day.triggers_fired))),
        ("Ladder", "权限阶梯", entries(((ts, to, escape(why)) for ts, to, why in day.ladder), "fall")),
        ("Anomalies", "异常", entries(((None, "", escape(words)) for words in day.anomalies), "anomaly")),
    )
    body = "".join(column(name, zh, inside) for name, zh, inside in parts)
    return section("What else happened", "其他事件", f'<div class="grid2">{body}</div>')


def _market(day: Day) -> str:
    facts = dict(day.market)
    checks, matches = facts.pop("book_checks", None), facts.pop("book_matches", None)
    said = ""
    if checks is not None and matches is not None:
        css, sign = ("good", "✓") if matches == checks else ("warn", "!")
        said = (
            f'<p class="{css}"><b>{sign}</b> The rebuilt book equals bookTicker on {escape(_value(matches))} of '
            f"{escape(_value(checks))} comparable events.</p>"
        )
    known = [(name, _value(facts.pop(key))) for key, name in _FACTS.items() if key in facts]
    rest = [(path, _value(value)) for path, value in flattened(facts)]
    return section("Market facts", "市场数据", said + (pairs(known + rest) if known or rest or not said else ""))


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value) or "none"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return plain_number(value) if isinstance(value, float | Decimal) else str(value)


def _provenance(day: Day) -> str:
    leaves = {path: value for path, value in flattened(day.head) if value is not None}
    rows = [(name, str(leaves[path])) for path, name in PROVENANCE.items() if path in leaves]
    rows += [(PROVENANCE[path], "not recorded") for path in _NEEDED if path not in leaves]
    rows.append(("Journal records", f"{day.records:,}"))
    rest = [(path, str(value)) for path, value in leaves.items() if path not in PROVENANCE]
    more = f"<details><summary>everything else in the journal's head</summary>{pairs(rest)}</details>" if rest else ""
    note = "With these, the same run gives the same journal and this same page."
    return section("Provenance", "来源", f'<div class="mono">{pairs(rows)}{more}</div>', note=note)


def render(day: Day, bars: Sequence[Bar], *, title: str) -> str:
    """Return the report of `day` as one HTML page, `bars` in order of time as its price chart.

    The strokes of `day` have the fields of `domain.structure.Stroke`. What of `day.head` and `day.market` has no place
    of its own is listed by its name.
    """
    unfinished = (
        ""
        if day.finished
        else '<p class="warn banner"><b>!</b> The journal does not say that this run finished: the figures are of its '
        "part so far.</p>"
    )
    sections = (
        _headline(day), _equity(day, bars), _prices(day, bars), _trades(day), _funnel(day), _refusals(day),
        _events(day), _market(day), _provenance(day),
    )  # fmt: skip
    foot = f'<footer><p><b>{NOTICE}</b> · <span lang="zh">{NOTICE_ZH}</span></p><p>{FLOW_CAVEAT}</p></footer>'
    return page(title, unfinished + "".join(sections) + foot)
