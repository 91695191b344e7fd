"""Order flow as one HTML page that needs nothing else: charts, figures, and a script that reads bins out.

Without the script the page shows everything but the readings. Colours are tokens, light and dark; `--rise` and `--fall`
swap with the reader's custom. Nothing is fetched, and the page's own policy forbids it.
"""

from __future__ import annotations

import json
import math
from html import escape
from typing import Any

from chanflow.interfaces.cli.flow_plot import LEFT, NOTICE, RIGHT, SIGNALS, WIDTH, View
from chanflow.review.chart import coord, path

READ = ("mid", "cvd", "ofi", "tfi", "z_ofi", "z_cvd", "fusion", "spread_bps", "trades", "quotes")
"""Columns that the page reads out under the pointer."""


def render_page(view: View) -> str:
    """Return the whole page."""
    title = escape(view.title)
    counts = "".join(
        f'<span class="chip"><i class="{name}"></i>{name.replace("_", " ")} <b>{count:,}</b></span>'
        for name, count in view.counts
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        'script-src \'unsafe-inline\'"><meta name="referrer" content="no-referrer">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{title} · order flow</title><style>{_STYLE}</style></head><body><main>"
        f'<header><div><h1>{title}</h1><p class="sub">chanflow · {escape(view.subtitle)}</p></div>'
        '<label class="custom"><input type="checkbox" id="red-rises"> red rises (红涨绿跌)</label></header>'
        f'<p class="fit">{escape(view.fit)}</p><div class="chips">{counts}'
        '<span class="chip"><i class="not-ok"></i>book not ok</span>'
        '<span class="chip"><i class="gap"></i>gap</span></div>'
        f'<section><p class="readout" aria-live="off"></p><div class="scroll">{_svg(view)}</div></section>'
        f'<p class="notice">{escape(NOTICE)} 不构成投资建议。</p></main>'
        f'<script type="application/json" id="data">{_data(view)}</script><script>{_SCRIPT}</script></body></html>\n'
    )


def _svg(view: View) -> str:
    boxes = "".join(
        f'<rect class="{box.area}" x="{coord(box.x)}" y="{coord(box.y)}" width="{coord(box.width)}" '
        f'height="{coord(box.height)}"/>'
        for box in view.boxes
    )
    lines = "".join(
        f'<path class="{each.style}" d="{"".join(map(path, each.runs))}"/>' for each in view.paths if each.runs
    )
    words = []
    for text in view.texts:
        key = "".join(f'<tspan class="key {style}" dx="14">━</tspan> {escape(label)}' for style, label in text.key)
        words.append(
            f'<text class="{text.of} {text.anchor}" x="{coord(text.x)}" y="{coord(text.y)}">'
            f"{escape(text.words)}{key}</text>"
        )
    label = f"price, CVD, OFI, z-scores and signals of {len(view.columns['ts_ms'])} bins of {view.title}"
    return (
        f'<svg viewBox="0 0 {WIDTH} {coord(view.height)}" role="img" tabindex="0" aria-label="{escape(label)}">'
        '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<path class="hatch" d="M0 0V6"/></pattern></defs>{boxes}{lines}{"".join(words)}'
        '<path class="cross" d=""/></svg>'
    )


def _data(view: View) -> str:
    columns = view.columns
    data: dict[str, Any] = {name: _figures(columns[name].tolist()) for name in READ}
    data |= {
        "first": int(columns["ts_ms"][0]), "bin": view.bin_ms, "n": len(columns["ts_ms"]),
        "signal": [SIGNALS.index(word) for word in columns["signal"]], "signals": SIGNALS,
        "ok": columns["book_ok"].tolist(), "width": WIDTH, "left": LEFT, "right": RIGHT, "span": view.span,
    }  # fmt: skip
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _figures(values: list[float]) -> list[float | None]:
    """Return figures as short as a reader needs them: eight digits, null where absent."""
    return [None if math.isnan(value) else float(f"{value:.9g}") for value in values]


_STYLE = """
:root{--bg:#f5f6f8;--panel:#fff;--ink:#1a222b;--muted:#5c6874;--line:#e3e7eb;--grid:#eef1f4;--accent:#2f55b8;
--green:#0b7d5c;--red:#c03249;--rise:var(--green);--fall:var(--red);--second:#c76a0a;--shade:#dfe3e8;--hatch:#a9b3bd}
@media(prefers-color-scheme:dark){:root{--bg:#0d1116;--panel:#141a21;--ink:#dde4eb;--muted:#8d99a6;--line:#242d36;
--grid:#1d252e;--accent:#86a8ff;--green:#45b892;--red:#e8707f;--second:#f0a04b;--shade:#2a333d;--hatch:#55616d}}
:root:has(#red-rises:checked){--rise:var(--red);--fall:var(--green)}
*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--ink);font:14px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"PingFang SC","Noto Sans SC","Microsoft YaHei",sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1720px;margin:0 auto;padding:20px 24px 36px}p{margin:0}
header{display:flex;justify-content:space-between;align-items:flex-end;gap:12px;flex-wrap:wrap;margin-bottom:8px}
h1{font-size:22px;line-height:1.25;margin:0;font-weight:650;letter-spacing:-.01em;overflow-wrap:anywhere}
.sub,.custom,.notice{color:var(--muted);font-size:13px}.sub{overflow-wrap:anywhere}.notice{margin:10px 4px 0}
.fit{font-size:13.5px;margin:0 0 8px}.custom{display:flex;gap:6px;align-items:center;cursor:pointer}
input{accent-color:var(--accent);margin:0}.chips{display:flex;flex-wrap:wrap;gap:6px;margin-bottom:8px}
.chip{display:flex;gap:6px;align-items:center;border:1px solid var(--line);background:var(--panel);font-size:12.5px;
border-radius:99px;padding:3px 11px 3px 9px;color:var(--muted)}.chip b{color:var(--ink);font-weight:600}
.chip i{width:13px;height:11px;border-radius:2px;background:var(--muted)}.chip .strong_buy{background:var(--rise)}
.chip .buy{background:var(--rise);opacity:.42}.chip .strong_sell{background:var(--fall)}
.chip .sell{background:var(--fall);opacity:.42}.chip .neutral{background:none;border:1px solid var(--muted)}
.chip .not-ok{background:var(--shade)}.chip .gap{background:repeating-linear-gradient(135deg,var(--hatch) 0 1.5px,
transparent 1.5px 4.5px)}
section{background:var(--panel);border:1px solid var(--line);border-radius:10px;padding:8px 12px 10px}
.scroll{overflow-x:auto}svg{display:block;width:100%;min-width:920px;cursor:crosshair;outline-offset:4px}
.readout{min-height:21px;font-size:12.5px;color:var(--muted);padding:0 4px;white-space:nowrap;overflow:hidden;
text-overflow:ellipsis}.readout b{color:var(--ink);font-weight:600}
:focus-visible{outline:2px solid var(--accent);outline-offset:1px}
svg path{fill:none;stroke-linejoin:round}.grid{stroke:var(--grid)}.axis{stroke:var(--line)}
.zero{stroke:var(--muted);stroke-width:.7}.guide{stroke:var(--muted);stroke-dasharray:2 4;stroke-width:.8}
.mid{stroke:var(--ink);stroke-width:1.2}.cvd{stroke:var(--accent);stroke-width:1.4}
.ofi-up{stroke:var(--rise);stroke-width:1.3}.ofi-down{stroke:var(--fall);stroke-width:1.3}
.z-ofi{stroke:var(--accent);stroke-width:1.1}.z-cvd{stroke:var(--second);stroke-width:1.1;opacity:.85}
.score{stroke:var(--ink);stroke-width:1.1}.key{stroke:none;font-weight:700}.key.z-ofi{fill:var(--accent)}
.key.z-cvd{fill:var(--second)}.key.score{fill:var(--ink)}
rect.not-ok{fill:var(--shade)}rect.gap{fill:url(#hatch)}.hatch{stroke:var(--hatch);stroke-width:2}
rect.strong_buy{fill:var(--rise)}rect.buy{fill:var(--rise);opacity:.42}rect.strong_sell{fill:var(--fall)}
rect.sell{fill:var(--fall);opacity:.42}
svg text{font-size:11.5px;fill:var(--muted)}text.title{font-size:12.5px;font-weight:600;fill:var(--ink)}
text.title tspan.key{font-size:14px}.middle{text-anchor:middle}.end{text-anchor:end}
.cross{stroke:var(--muted);stroke-dasharray:2 3;pointer-events:none}
@media(max-width:760px){main{padding:14px 10px 24px}.readout{white-space:normal;min-height:63px}}
@media print{.custom,.readout{display:none}}
"""

_SCRIPT = """
const D = JSON.parse(document.getElementById("data").textContent);
const chart = document.querySelector("svg"), readout = document.querySelector(".readout");
const cross = document.querySelector(".cross");
const inner = D.width - D.left - D.right, HINT = "point at a bin to read it; keys ← → Home End step through bins";
let at = D.n - 1;

const number = (v, places = 8) => v === null ? "–" : v.toLocaleString("en-US", {maximumFractionDigits: places});
const value = (label, v, unit = "", places = 8) =>
  ` &nbsp; ${label} <b>${number(v, places)}</b>${v === null ? "" : unit}`;

function read(i) {
  at = Math.min(Math.max(i, 0), D.n - 1);
  const end = new Date(D.first + at * D.bin).toISOString();
  const book = D.ok[at] < 0 ? "no depth" : D.ok[at] ? "ok" : "not ok";
  readout.innerHTML = `bin to <b>${end.slice(0, 10)} ${end.slice(11, 23)}</b> UTC` + value("mid", D.mid[at]) +
    value("CVD", D.cvd[at]) + value("OFI", D.ofi[at]) + value("TFI", D.tfi[at]) + value("z OFI", D.z_ofi[at], "", 3) +
    value("z TFI", D.z_cvd[at], "", 3) + value("score", D.fusion[at], "", 3) +
    ` &nbsp; <b>${D.signals[D.signal[at]].replace("_", " ")}</b>` + value("spread", D.spread_bps[at], " bps", 3) +
    ` &nbsp; ${D.trades[at]} trades, ${D.quotes[at]} quotes &nbsp; book ${book}`;
  const x = D.left + (at + 0.5) / D.n * inner;
  cross.setAttribute("d", `M${x} ${D.span[0]}V${D.span[1]}`);
}

readout.textContent = HINT;
chart.addEventListener("pointermove", (event) => {
  const box = chart.getBoundingClientRect(), x = (event.clientX - box.left) / box.width * D.width;
  read(Math.floor((x - D.left) / inner * D.n));
});
chart.addEventListener("pointerleave", () => { readout.textContent = HINT; cross.setAttribute("d", ""); });
chart.addEventListener("keydown", (event) => {
  const step = {ArrowLeft: -1, ArrowRight: 1}[event.key];
  const to = step ? at + step * (event.shiftKey ? 10 : 1) : {Home: 0, End: D.n - 1}[event.key];
  if (to !== undefined) { event.preventDefault(); read(to); }
});
"""
