"""A structure as one HTML page that needs nothing else: pictures, points, and a script that may be missing.

The picture is drawn in the coordinates of the data (bar, price) inside a group; moving about is one new matrix. Without
the script the page shows its first view. Colours are tokens, light and dark; `--rise` and `--fall` swap with the
reader's custom. Nothing is fetched, and the page's own policy forbids it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape

from chanflow.interfaces.cli.structure_plot import (
    NOTICE,
    STEPS_MS,
    Drawing,
    Line,
    Mark,
    bar_ticks,
    plain,
    price_ticks,
)
from chanflow.review.chart import Scale, coord, path, utc

WIDTH, HEIGHT = 1360, 600
LEFT, RIGHT, TOP, BOTTOM = 8, 88, 14, 28
"""Margins of the large picture, px: prices stand on the right, times below."""

STRIP_HEIGHT = 84
STRIP_COLUMNS = 680
SPAN = 10_000
"""Height of the data's own coordinates."""

MOST_LISTED = 40
"""How many points the table lists: the last ones."""

STATES = ("confirmed", "provisional", "void")
TITLES = {
    "strokes": ("strokes", "笔"),
    "segments": ("segments", "线段"),
    "super_segments": ("super-segments", "线段的线段"),
    "centers": ("centers", "中枢"),
    "points": ("points", "买卖点"),
}


def render_page(drawing: Drawing) -> str:
    """Return the whole page."""
    title = escape(drawing.title)
    layers = [("candles", "candles", "K线", len(drawing.bars))]
    layers += [(name, *TITLES[name], count) for name, count in drawing.counts]
    chips = "".join(
        f'<label class="chip {name}"><input type="checkbox" id="show-{name}" checked><i></i>{words} '
        f'<span lang="zh">{zh}</span> <b>{count:,}</b></label>'
        for name, words, zh, count in layers
    )
    hidden = "".join(f":root:has(#show-{name}:not(:checked)) .layer-{name}{{display:none}}" for name, *_ in layers)
    buttons = "".join(
        f'<button type="button" data-go="{go}" title="{escape(words)}">{sign}</button>'
        for go, sign, words in (
            ("left", "←", "back (left arrow)"), ("right", "→", "forward (right arrow)"),
            ("in", "+", "closer (plus, wheel)"), ("out", "−", "farther (minus, wheel)"),
            ("all", "all", "all bars (Home)"), ("last", "last", "the last bars (End)"),
        )
    )  # fmt: skip
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        'script-src \'unsafe-inline\'"><meta name="referrer" content="no-referrer">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{title}</title><style>{_STYLE}{hidden}</style></head><body><main>"
        f'<header><div><h1>{title}</h1><p class="sub">chanflow · Chan structure (缠论) · {escape(drawing.subtitle)}</p>'
        '</div><label class="custom"><input type="checkbox" id="red-rises"> red rises (红涨绿跌)</label></header>'
        f'<div class="bar"><div class="chips">{chips}</div><div class="go">{buttons}</div></div>'
        f'<section class="picture"><p class="readout" aria-live="off"></p>{_chart(drawing)}{_strip(drawing)}</section>'
        f'<p class="notice">{escape(drawing.source)} {escape(NOTICE)} 不构成投资建议。</p>'
        f"{_points(drawing)}</main>"
        f'<script type="application/json" id="data">{_data(drawing)}</script><script>{_SCRIPT}</script></body></html>\n'
    )


def _full_range(drawing: Drawing) -> tuple[float, float]:
    return drawing.price_range(drawing.first_bar, drawing.end_bar)


def _chart(drawing: Drawing) -> str:
    start, end = drawing.window
    low, high = drawing.price_range(start, end)
    data_low, data_high = _full_range(drawing)
    x = Scale(start, max(end, start + 1), LEFT, WIDTH - RIGHT)
    y = Scale(low, high, HEIGHT - BOTTOM, TOP)
    sx = x.at(1) - x.at(0)
    sy = (y.at(data_low) - y.at(data_high)) / SPAN
    matrix = f"matrix({sx:.6g} 0 0 {sy:.6g} {x.at(drawing.first_bar):.8g} {y.at(data_high):.8g})"
    inside = f'<rect x="{LEFT}" y="0" width="{WIDTH - LEFT - RIGHT}" height="{HEIGHT - BOTTOM}"/>'
    dense = " dense" if end - start > (WIDTH - LEFT - RIGHT) / 1.6 else ""
    words = f"candles with {', '.join(f'{count} {TITLES[name][0]}' for name, count in drawing.counts)}"
    return (
        f'<svg class="chart{dense}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" tabindex="0" aria-label="{words}">'
        f'<clipPath id="inside">{inside}</clipPath><g class="axes">{_axes(drawing, x, y)}</g>'
        f'<g clip-path="url(#inside)"><g class="data" transform="{matrix}">{_shapes(drawing)}</g>'
        f'<g class="layer-points">{"".join(_mark(mark, drawing, x, y) for mark in drawing.marks)}</g></g>'
        '<path class="cross" d=""/></svg>'
    )


def _axes(drawing: Drawing, x: Scale, y: Scale) -> str:
    parts = []
    for price, label in price_ticks(y.low, y.high):
        parts.append(f'<path d="M{LEFT} {coord(y.at(price))}H{coord(x.end)}"/>')
        parts.append(f'<text x="{coord(x.end + 8)}" y="{coord(y.at(price) + 4)}">{label}</text>')
    start = int(x.low)
    for at, label in bar_ticks(drawing.bars.ts_ms[start - drawing.first_bar :], 12):
        px = x.at(start + at)
        if not LEFT + 30 <= px <= x.end - 30:
            continue
        parts.append(f'<path d="M{coord(px)} {TOP}V{coord(y.start)}"/>')
        parts.append(f'<text class="mid" x="{coord(px)}" y="{coord(HEIGHT - 8)}">{label}</text>')
    return "".join(parts)


def _shapes(drawing: Drawing) -> str:
    """Return candles, centers and lines in the data's own coordinates: x in bars, y from 0 at the highest price."""
    low, high = _full_range(drawing)
    y = Scale(low, high, SPAN, 0)
    bodies: dict[str, list[str]] = {"rise": [], "fall": []}
    wicks: dict[str, list[str]] = {"rise": [], "fall": []}
    bars = drawing.bars
    for at, (o, h, lo, c) in enumerate(
        zip(bars.open.tolist(), bars.high.tolist(), bars.low.tolist(), bars.close.tolist(), strict=True)
    ):
        css = "rise" if c >= o else "fall"
        top, bottom = y.at(max(o, c)), y.at(min(o, c))
        bodies[css].append(f"M{coord(at + 0.18)} {coord(top)}h.64v{coord(bottom - top)}h-.64z")
        wicks[css].append(f"M{at}.5 {coord(y.at(h))}V{coord(y.at(lo))}")
    candles = "".join(
        f'<path class="wick {css}" d="{"".join(wicks[css])}"/><path class="body {css}" d="{"".join(bodies[css])}"/>'
        for css in ("rise", "fall")
    )
    boxes = "".join(
        f'<rect class="center {box.level} {box.state}" x="{coord(box.start_bar - drawing.first_bar + 0.5)}" '
        f'y="{coord(y.at(box.high))}" width="{coord(max(0.5, box.end_bar - box.start_bar))}" '
        f'height="{coord(max(0.01, y.at(box.low) - y.at(box.high)))}"><title>{escape(box.tooltip)}</title></rect>'
        for box in drawing.boxes
    )
    kinds = ("super_segment", "segment", "stroke")
    lines = "".join(f'<g class="layer-{kind}s">{_lines(drawing, kind, y, 1.0)}</g>' for kind in kinds)
    return f'<g class="layer-candles">{candles}</g><g class="layer-centers">{boxes}</g>{lines}'


def _lines(drawing: Drawing, kind: str, y: Scale, per_bar: float) -> str:
    def d(lines: Iterable[Line]) -> str:
        return "".join(
            path(
                [
                    ((line.start_bar - drawing.first_bar + 0.5) * per_bar, y.at(line.start_price)),
                    ((line.end_bar - drawing.first_bar + 0.5) * per_bar, y.at(line.end_price)),
                ]
            )
            for line in lines
        )

    drawn = ((state, d(line for line in drawing.lines if (line.kind, line.state) == (kind, state))) for state in STATES)
    return "".join(f'<path class="line {kind} {state}" d="{shape}"/>' for state, shape in drawn if shape)


def _mark(mark: Mark, drawing: Drawing, x: Scale, y: Scale) -> str:
    """Return a triangle that points at the bar, its types beyond it; the script moves the group, not its parts."""
    low, high = _full_range(drawing)
    down = 1 if mark.side == "buy" else -1
    half, tall = (8, 13) if mark.level == "segment" else (5.5, 9)
    near = 5 + 27 * mark.rank
    text_y = down * (near + tall + 10) + 4
    at = f"translate({coord(x.at(mark.bar + 0.5))} {coord(y.at(mark.price))})"
    data_x, data_y = mark.bar - drawing.first_bar + 0.5, Scale(low, high, SPAN, 0).at(mark.price)
    return (
        f'<g class="mark {mark.side} {mark.level} {mark.state}" transform="{at}" '
        f'data-x="{coord(data_x)}" data-y="{coord(data_y)}">'
        f"<title>{escape(mark.tooltip)}</title>"
        f'<path d="M0 {down * near}L{half} {down * (near + tall)}H-{half}Z"/>'
        f'<text y="{coord(text_y)}">{escape(mark.label)}</text></g>'
    )


def _strip(drawing: Drawing) -> str:
    """Return the whole span small, with a window that says which part stands above."""
    count = len(drawing.bars)
    low, high = drawing.price_range(drawing.first_bar, drawing.end_bar, 0.05)
    y = Scale(low, high, STRIP_HEIGHT, 0)
    step = max(1, -(-count // STRIP_COLUMNS))
    per_bar = WIDTH / max(1, count)
    cuts = [(at, slice(at, at + step)) for at in range(0, count, step)]
    tops = [((at + step / 2) * per_bar, y.at(float(drawing.bars.high[cut].max()))) for at, cut in cuts]
    bottoms = [((at + step / 2) * per_bar, y.at(float(drawing.bars.low[cut].min()))) for at, cut in cuts]
    band = path([*tops, *reversed(bottoms)])
    start, end = drawing.window
    window = (start - drawing.first_bar) * per_bar, (end - start) * per_bar
    return (
        f'<svg class="strip" viewBox="0 0 {WIDTH} {STRIP_HEIGHT}" preserveAspectRatio="none" aria-hidden="true">'
        f'<path class="band" d="{band}z"/><g class="layer-segments">{_lines(drawing, "segment", y, per_bar)}</g>'
        f'<g class="layer-super_segments">{_lines(drawing, "super_segment", y, per_bar)}</g>'
        f'<rect class="window" x="{coord(window[0])}" y="0" width="{coord(window[1])}" height="{STRIP_HEIGHT}"/></svg>'
    )


def _points(drawing: Drawing) -> str:
    if not any(name == "points" for name, _ in drawing.counts):
        return ""
    shown = sorted(drawing.marks, key=lambda mark: (mark.bar, mark.level), reverse=True)[:MOST_LISTED]
    ts_ms = drawing.bars.ts_ms
    rows = "".join(
        f'<tr class="{mark.state}" data-bar="{mark.bar - drawing.first_bar}">'
        f"<td>{utc(int(ts_ms[mark.bar - drawing.first_bar]), '%Y-%m-%d %H:%M')}</td>"
        f'<td class="{"rise" if mark.side == "buy" else "fall"}">{mark.side}</td><td>{escape(mark.label)}</td>'
        f'<td>{mark.level}</td><td class="num">{plain(mark.price)}</td><td class="num">{mark.bar}</td>'
        f'<td><i class="dot {mark.state}"></i>{mark.state}</td><td class="told">{escape(mark.measured)}</td></tr>'
        for mark in shown
    )
    heads = (
        "<th>time (UTC)</th><th>side</th><th>types</th><th>level</th><th class=num>price</th><th class=num>bar</th>"
        "<th>state</th><th>measured</th>"
    )
    body = (
        f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
        if rows
        else "<p>none</p>"
    )
    said = f"the last {len(shown)}, newest first" if len(shown) < len(drawing.marks) else "newest first"
    return f'<section><h2>Points <span lang="zh">(买卖点)</span> <small>{said}</small></h2>{body}</section>'


def _data(drawing: Drawing) -> str:
    low, high = _full_range(drawing)
    bars = drawing.bars
    spans = {
        kind: [
            [line.start_bar - drawing.first_bar, line.end_bar - drawing.first_bar, line.index,
             int(line.end_price > line.start_price), line.state]
            for line in drawing.lines
            if line.kind == kind and line.state != "void"
        ]
        for kind in ("stroke", "segment")
    }  # fmt: skip
    start, end = drawing.window
    data = {
        "ts": bars.ts_ms.tolist(), "o": bars.open.tolist(), "h": bars.high.tolist(), "l": bars.low.tolist(),
        "c": bars.close.tolist(), "v": None if bars.volume is None else bars.volume.tolist(), "low": low, "high": high,
        "view": [start - drawing.first_bar, end - drawing.first_bar], "first": drawing.first_bar, "steps": STEPS_MS,
        "margins": [LEFT, RIGHT, TOP, BOTTOM], "height": HEIGHT, "width": WIDTH, "span": SPAN, **spans,
    }  # fmt: skip
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


_STYLE = """
:root{--bg:#f5f6f8;--panel:#fff;--ink:#1a222b;--muted:#5c6874;--line:#e3e7eb;--grid:#eef1f4;--accent:#2f55b8;
--green:#0b7d5c;--red:#c03249;--rise:var(--green);--fall:var(--red);--stroke:#4a6fa5;--segment:#d36b08;--super:#7a45c2}
@media(prefers-color-scheme:dark){:root{--bg:#0d1116;--panel:#141a21;--ink:#dde4eb;--muted:#8d99a6;--line:#242d36;
--grid:#1b232c;--accent:#86a8ff;--green:#45b892;--red:#e8707f;--stroke:#7fa3d8;--segment:#f0a04b;--super:#b48cf0}}
:root:has(#red-rises:checked){--rise:var(--red);--fall:var(--green)}
*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--ink);font:14px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"PingFang SC","Noto Sans SC","Microsoft YaHei",sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1720px;margin:0 auto;padding:20px 24px 36px}p{margin:0}
header{display:flex;justify-content:space-between;align-items:flex-end;gap:12px;flex-wrap:wrap;margin-bottom:12px}
h1{font-size:22px;line-height:1.25;margin:0;font-weight:650;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:15px;margin:0 0 8px;font-weight:650}h2 span,small,.sub,.custom,.notice{color:var(--muted);font-weight:400}
.sub,.custom,.notice,small{font-size:13px}.notice{margin:10px 4px 16px}.sub{overflow-wrap:anywhere}
.custom,.chip{display:flex;gap:6px;align-items:center;cursor:pointer}input{accent-color:var(--accent);margin:0}
.bar{display:flex;justify-content:space-between;flex-wrap:wrap;gap:8px 16px;margin-bottom:8px}
.chips{display:flex;flex-wrap:wrap;gap:6px}.chip{border:1px solid var(--line);background:var(--panel);font-size:12.5px;
border-radius:99px;padding:3px 11px 3px 9px;color:var(--muted)}.chip b{color:var(--ink);font-weight:600}
.chip input{position:absolute;opacity:0;pointer-events:none}.chip:has(:focus-visible){outline:2px solid var(--accent)}
.chip:has(input:not(:checked)){opacity:.45}
.chip i{width:14px;height:0;border-top:3px solid var(--muted);border-radius:2px}
.chip.strokes i{border-color:var(--stroke);border-width:2px}.chip.segments i{border-color:var(--segment)}
.chip.super_segments i{border-color:var(--super);border-width:5px;opacity:.45}
.chip.candles i{border:0;width:6px;height:12px;background:var(--rise);box-shadow:7px 0 var(--fall);margin-right:7px}
.chip.centers i{border:1px solid var(--stroke);height:10px;background:color-mix(in srgb,var(--stroke) 22%,transparent)}
.chip.points i{border:0;width:0;border:5px solid transparent;border-bottom:9px solid var(--rise);margin-top:-5px}
.go{display:none;gap:4px}.live .go{display:flex}button{font:inherit;font-size:13px;color:var(--ink);cursor:pointer;
background:var(--panel);border:1px solid var(--line);border-radius:6px;min-width:30px;padding:2px 8px}
button:hover{border-color:var(--accent)}:focus-visible{outline:2px solid var(--accent);outline-offset:1px}
section{background:var(--panel);border:1px solid var(--line);border-radius:10px;padding:14px 16px}
.picture{padding:6px 10px 10px;position:relative}svg{display:block;width:100%}
.readout{min-height:21px;font-size:12.5px;color:var(--muted);padding:0 4px;white-space:nowrap;overflow:hidden;
text-overflow:ellipsis}.readout b{color:var(--ink);font-weight:600}
.chart{height:auto;touch-action:pan-y;outline-offset:4px}.live .chart{height:600px;cursor:crosshair}
.strip{height:72px;border-top:1px solid var(--line);margin-top:4px;padding-top:6px}
.live .strip{cursor:pointer;touch-action:none}
.axes path{stroke:var(--grid);fill:none;shape-rendering:crispEdges}.axes text{fill:var(--muted);font-size:11.5px}
.mid{text-anchor:middle}.data *,.strip *{vector-effect:non-scaling-stroke}
.wick{fill:none;stroke-width:1}.body{stroke-width:.8}.wick.rise,.body.rise{stroke:var(--rise)}.body.rise{fill:var(--rise)}
.wick.fall,.body.fall{stroke:var(--fall)}.body.fall{fill:var(--fall)}.layer-candles{opacity:.62}
.line{fill:none;stroke-linecap:round;stroke-linejoin:round}.line.provisional{stroke-dasharray:6 5}
.line.void{stroke-dasharray:1 5;opacity:.6}
.line.stroke{stroke:var(--stroke);stroke-width:1.5}.line.segment{stroke:var(--segment);stroke-width:2.6}
.line.super_segment{stroke:var(--super);stroke-width:7;opacity:.32;stroke-linecap:butt}
.line.super_segment.provisional{stroke-dasharray:18 10}
.center{stroke-width:1.2}.center.stroke{stroke:var(--stroke);fill:color-mix(in srgb,var(--stroke) 15%,transparent)}
.center.segment{stroke:var(--segment);fill:color-mix(in srgb,var(--segment) 9%,transparent);stroke-width:1.6}
.center.provisional{stroke-dasharray:4 4}.center.void{opacity:.3}
.mark{--tone:var(--rise)}.mark.sell{--tone:var(--fall)}.mark path{fill:var(--tone);stroke:var(--tone);stroke-width:1.6;
stroke-linejoin:round}.mark.provisional path{fill:var(--panel)}.mark.void{opacity:.35}.mark.void path{fill:none}
.mark text{font-size:11px;font-weight:600;text-anchor:middle;fill:var(--tone);paint-order:stroke;stroke:var(--panel);
stroke-width:3px;stroke-linejoin:round}.mark.segment text{font-size:12.5px;font-weight:700}
.mark.segment path{stroke:var(--segment);stroke-width:2}.dense .mark.stroke text{display:none}
.cross{stroke:var(--muted);stroke-dasharray:2 3;fill:none;pointer-events:none}
.band{fill:var(--muted);opacity:.28;stroke:var(--muted);stroke-width:.6}.strip .line.segment{stroke-width:1.2}
.strip .line.super_segment{stroke-width:3}
.window{fill:var(--accent);fill-opacity:.1;stroke:var(--accent);stroke-width:1}
.scroll{overflow:auto;max-height:420px}table{border-collapse:collapse;width:100%;font-size:13px}
th{text-align:left;color:var(--muted);font-weight:500;position:sticky;top:0;background:var(--panel)}
th,td{padding:4px 14px 4px 0;border-bottom:1px solid var(--line);white-space:nowrap}.num{text-align:right}
.told{white-space:normal;min-width:22em;color:var(--muted)}
.live tbody tr{cursor:pointer}.live tbody tr:hover{background:var(--grid)}tr.void{color:var(--muted)}
.rise{color:var(--rise)}.fall{color:var(--fall)}
.dot{display:inline-block;width:9px;height:9px;border:2px solid var(--muted);border-radius:50%;margin-right:7px}
.dot.confirmed{background:var(--muted)}.dot.void{border-style:dotted}
@media(max-width:760px){main{padding:14px 10px 24px}.readout{white-space:normal;min-height:42px}
.chip span{display:none}}
@media print{.go,.custom{display:none}}
"""

_SCRIPT = """
const D = JSON.parse(document.getElementById("data").textContent);
const n = D.ts.length;
const find = (css) => document.querySelector(css);
const chart = find(".chart"), strip = find(".strip"), readout = find(".readout");
const [left, right, top_, bottom] = D.margins;
const marks = [...chart.querySelectorAll(".mark")].map((e) => ({e, x: Number(e.dataset.x), y: Number(e.dataset.y)}));
const DAY = 86400000, HINT = "drag to move, wheel to zoom; keys ← → + − Home End";
let [from, to] = D.view, width = D.width, low = 0, high = 1, asked = false;

const clamp = (v, a, b) => Math.min(Math.max(v, a), b);
const iso = (ms) => new Date(ms).toISOString();
const number = (v) => v.toLocaleString("en-US", {maximumFractionDigits: 12});

function show(a, b) {
  const wide = clamp(b - a, Math.min(20, n), n);
  from = clamp(a + (b - a - wide) / 2, 0, n - wide);
  to = from + wide;
  if (!asked) { asked = true; requestAnimationFrame(draw); }
}

function priceTicks() {
  const raw = (high - low) / 8, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999999) ?? 10 * power;
  const places = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const ticks = [];
  for (let k = Math.ceil(low / step); k * step <= high; k++) {
    const tick = k * step || 0;
    ticks.push([tick, tick.toLocaleString("en-US", {minimumFractionDigits: places,
      maximumFractionDigits: places})]);
  }
  return ticks;
}

function timeTicks(most) {
  const a = Math.max(1, Math.floor(from) + 1), b = Math.min(n - 1, Math.ceil(to));
  for (const step of D.steps) {
    const found = [];
    for (let i = a; i <= b && found.length <= most; i++) {
      if (Math.floor(D.ts[i] / step) !== Math.floor(D.ts[i - 1] / step)) found.push(i);
    }
    if (found.length <= most) {
      return found.map((i) => {
        const day = Math.floor(D.ts[i] / DAY) !== Math.floor(D.ts[i - 1] / DAY), text = iso(D.ts[i]);
        return [i, step >= DAY ? text.slice(0, 10) : day ? text.slice(5, 10) : text.slice(11, step < 60000 ? 19 : 16)];
      });
    }
  }
  return [];
}

function draw() {
  asked = false;
  width = chart.clientWidth || D.width;
  chart.setAttribute("viewBox", `0 0 ${width} ${D.height}`);
  const inner = width - left - right, floor = D.height - bottom;
  chart.querySelector("clipPath rect").setAttribute("width", inner);
  low = Infinity; high = -Infinity;
  for (let i = Math.floor(from); i < Math.min(n, Math.ceil(to)); i++) {
    low = Math.min(low, D.l[i]); high = Math.max(high, D.h[i]);
  }
  const pad = (high - low) * 0.16 || Math.abs(high) * 0.01 || 1;
  low -= pad; high += pad;
  const sx = inner / (to - from), tx = left - from * sx;
  const perPrice = (floor - top_) / (high - low);
  const sy = (D.high - D.low) / D.span * perPrice, ty = top_ + (high - D.high) * perPrice;
  chart.querySelector(".data").setAttribute("transform", `matrix(${sx} 0 0 ${sy} ${tx} ${ty})`);
  chart.classList.toggle("dense", sx < 1.6);
  for (const mark of marks) {
    const x = mark.x * sx + tx, seen = x > left - 20 && x < width - right + 20;
    mark.e.style.display = seen ? "" : "none";
    if (seen) mark.e.setAttribute("transform", `translate(${x} ${mark.y * sy + ty})`);
  }
  let axes = "";
  for (const [price, label] of priceTicks()) {
    const y = top_ + (high - price) * perPrice;
    axes += `<path d="M${left} ${y}H${width - right}"/><text x="${width - right + 8}" y="${y + 4}">${label}</text>`;
  }
  for (const [i, label] of timeTicks(Math.max(2, Math.floor(inner / 105)))) {
    const x = i * sx + tx;
    if (x < left + 30 || x > width - right - 30) continue;
    axes += `<path d="M${x} ${top_}V${floor}"/><text class="mid" x="${x}" y="${D.height - 8}">${label}</text>`;
  }
  chart.querySelector(".axes").innerHTML = axes;
  const pane = strip.querySelector(".window");
  pane.setAttribute("x", from / n * D.width);
  pane.setAttribute("width", (to - from) / n * D.width);
}

function within(spans, i) {
  const span = spans.findLast((s) => s[0] <= i && i <= s[1]);
  return span ? `#${span[2]} ${span[3] ? "up" : "down"}, ${span[4]}` : "none";
}

function read(event) {
  const box = chart.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
  const i = clamp(Math.floor(from + (x - left) / (width - left - right) * (to - from)), 0, n - 1);
  const volume = D.v ? `  vol <b>${number(D.v[i])}</b>` : "";
  readout.innerHTML = `<b>${iso(D.ts[i]).slice(0, 16).replace("T", " ")}</b> UTC &nbsp; O <b>${number(D.o[i])}</b> ` +
    `H <b>${number(D.h[i])}</b> L <b>${number(D.l[i])}</b> C <b>${number(D.c[i])}</b>${volume} &nbsp; ` +
    `bar ${D.first + i} &nbsp; stroke ${within(D.stroke, i)} &nbsp; segment ${within(D.segment, i)}`;
  const at = left + (i + 0.5 - from) / (to - from) * (width - left - right);
  chart.querySelector(".cross").setAttribute("d",
    `M${at} ${top_}V${D.height - bottom}M${left} ${y}H${width - right}`);
}

function go(where) {
  const wide = to - from, step = wide * 0.15;
  ({left: () => show(from - step, to - step), right: () => show(from + step, to + step),
    in: () => show(from + step, to - step), out: () => show(from - step, to + step),
    all: () => show(0, n), last: () => show(...D.view)})[where]();
}

if (n) {
  document.documentElement.classList.add("live");
  readout.textContent = HINT;
  for (const button of document.querySelectorAll("[data-go]")) button.onclick = () => go(button.dataset.go);
  const keys = {ArrowLeft: "left", ArrowRight: "right", "+": "in", "=": "in", "-": "out", Home: "all", End: "last"};
  chart.addEventListener("keydown", (event) => {
    if (keys[event.key]) { event.preventDefault(); go(keys[event.key]); }
  });
  chart.addEventListener("wheel", (event) => {
    event.preventDefault();
    const wide = to - from, inner = width - left - right;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      const move = (event.deltaX || event.deltaY) / inner * wide;
      return show(from + move, to + move);
    }
    const share = clamp((event.clientX - chart.getBoundingClientRect().left - left) / inner, 0, 1);
    const next = clamp(wide * Math.exp(event.deltaY * 0.0015), Math.min(20, n), n), at = from + share * wide;
    show(at - share * next, at - share * next + next);
  }, {passive: false});
  let held = null;
  chart.addEventListener("pointerdown", (event) => {
    held = {x: event.clientX, from, to};
    chart.setPointerCapture(event.pointerId);
  });
  chart.addEventListener("pointermove", (event) => {
    if (held) {
      const move = (held.x - event.clientX) / (width - left - right) * (held.to - held.from);
      show(held.from + move, held.to + move);
    }
    read(event);
  });
  for (const end of ["pointerup", "pointercancel"]) chart.addEventListener(end, () => { held = null; });
  chart.addEventListener("pointerleave", () => {
    readout.textContent = HINT;
    chart.querySelector(".cross").setAttribute("d", "");
  });
  const centre = (event) => {
    const box = strip.getBoundingClientRect(), wide = to - from;
    const at = (event.clientX - box.left) / box.width * n;
    show(at - wide / 2, at + wide / 2);
  };
  strip.addEventListener("pointerdown", (event) => { strip.setPointerCapture(event.pointerId); centre(event); });
  strip.addEventListener("pointermove", (event) => { if (event.buttons) centre(event); });
  for (const row of document.querySelectorAll("tr[data-bar]")) {
    row.onclick = () => {
      const at = Number(row.dataset.bar), wide = Math.min(to - from, 240);
      show(at - wide / 2, at + wide / 2);
      chart.scrollIntoView({block: "nearest"});
    };
  }
  new ResizeObserver(() => show(from, to)).observe(chart);
}
"""
