"""The sheet of paper a report is printed on: one HTML page, its parts and style, and a script that may be missing.

Colours are tokens, light and dark. `--rise` and `--fall` swap with the reader's custom, since red rises in China; the
switch is a checkbox that works without the script, which only follows the pointer over a chart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from chanflow.review.chart import utc

NONE = '<p class="none">none</p>'
"""What an empty part says."""


def page(title: str, body: str) -> str:
    """Return a whole page, its title as heading; `body` is HTML."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="referrer" content="no-referrer"><meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>"
        f'<header><div><h1>{escape(title)}</h1><p class="sub">chanflow · the day (日报)</p></div>'
        '<label class="custom"><input type="checkbox" id="red-rises"> red rises (红涨绿跌)</label></header>'
        f"{body}</main><script>{_SCRIPT}</script></body></html>\n"
    )


def times(count: int, name: str) -> str:
    """Return a count with its noun, plural where it is not one."""
    plural = f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"
    return f"{count:,} {name if count == 1 else plural}"


def section(name: str, zh: str, body: str, *, note: str = "") -> str:
    """Return a section with its heading in English and Chinese; `body` is HTML, `note` is text."""
    said = f'<p class="note">{escape(note)}</p>' if note else ""
    return f'<section><h2>{escape(name)} <span lang="zh">({escape(zh)})</span></h2>{said}{body}</section>'


def column(name: str, zh: str, body: str) -> str:
    """Return a part of a section with its heading; `body` is HTML."""
    return f'<div><h3>{escape(name)} <span lang="zh">({escape(zh)})</span></h3>{body}</div>'


def table(heads: Sequence[str], rows: Sequence[str], *, label: str, foot: str = "") -> str:
    """Return a table of HTML rows that scrolls on a narrow screen. "#" before a head makes a number column."""
    if not rows:
        return NONE
    head = "".join(
        f'<th scope="col" class="num">{escape(h[1:])}</th>' if h[0] == "#" else f'<th scope="col">{escape(h)}</th>'
        for h in heads
    )
    foot = f"<tfoot>{foot}</tfoot>" if foot else ""
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(label)}"><table><thead><tr>{head}</tr>'
        f"</thead><tbody>{''.join(rows)}</tbody>{foot}</table></div>"
    )


def cell(text: str, css: str = "") -> str:
    """Return a table cell of text."""
    return f'<td class="{css}">{escape(text)}</td>' if css else f"<td>{escape(text)}</td>"


def pairs(rows: Iterable[tuple[str, str]]) -> str:
    """Return names and values, one pair a line."""
    body = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>" for name, text in rows)
    return f'<dl class="pairs">{body}</dl>' if body else NONE


def share_bars(counts: Iterable[tuple[str, int]]) -> str:
    """Return horizontal bars, each as long as its share of their sum."""
    rows = [(name, n) for name, n in counts if n > 0]
    total = sum(n for _, n in rows)
    body = "".join(
        f'<li><span class="name">{escape(name)}</span><span class="bar"><i style="width:{100 * n / total:.2f}%"></i>'
        f'</span><span class="count">{n:,}</span><span class="share">{100 * n / total:.1f} %</span></li>'
        for name, n in rows
    )
    return f'<ul class="bars">{body}</ul>' if body else NONE


def ranked(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return counts, the largest first, equal ones by name."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def entries(rows: Iterable[tuple[int | None, str, str]], what: str) -> str:
    """Return what happened when: moment in ms, name, and HTML that tells of it. A long list is folded."""
    items = []
    for ts, name, told in rows:
        when = "" if ts is None else f"{utc(ts)} UTC"
        items.append(
            f'<li><span class="when">{when}</span><span class="id">{escape(name)}</span><div>{told}</div></li>'
        )
    if not items:
        return NONE
    opened = " open" if len(items) <= 12 else ""
    return (
        f"<details{opened}><summary>{escape(times(len(items), what))}</summary>"
        f'<ul class="entries">{"".join(items)}</ul></details>'
    )


_STYLE = """
:root{--bg:#f5f6f8;--panel:#fff;--ink:#1a222b;--muted:#5c6874;--line:#e3e7eb;--accent:#2f55b8;--warn:#8a5a00;
--green:#0b7d5c;--red:#c03249;--rise:var(--green);--fall:var(--red)}
@media(prefers-color-scheme:dark){:root{--bg:#0d1116;--panel:#141a21;--ink:#dde4eb;--muted:#8d99a6;--line:#242d36;
--accent:#86a8ff;--warn:#e0b252;--green:#45b892;--red:#e8707f}}
:root:has(#red-rises:checked){--rise:var(--red);--fall:var(--green)}
*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"PingFang SC","Noto Sans SC","Microsoft YaHei",sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1200px;margin:0 auto;padding:28px 24px 40px}
header{display:flex;justify-content:space-between;align-items:flex-end;gap:16px;flex-wrap:wrap;margin-bottom:18px}
h1{font-size:24px;line-height:1.25;margin:0;font-weight:650;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:16px;margin:0 0 10px;font-weight:650}h3{font-size:13px;margin:0 0 6px;font-weight:600}
h2 span,h3 span,dt span,.what span{color:var(--muted);font-weight:400}
p{margin:0}.sub,.note,.none,figcaption,.custom{color:var(--muted);font-size:13px}.note{margin:-6px 0 12px}
.custom{display:flex;gap:6px;align-items:center;cursor:pointer}.custom input{accent-color:var(--accent);margin:0}
section{background:var(--panel);border:1px solid var(--line);border-radius:10px;padding:18px 20px;margin:0 0 14px}
.rise{color:var(--rise)}.fall{color:var(--fall)}.warn{color:var(--warn)}.good{color:var(--green)}
.banner{border:1px solid;border-radius:8px;padding:8px 14px;margin-bottom:14px}
dl,dd,ul,ol,figure{margin:0;padding:0}ul,ol{list-style:none}dt{color:var(--muted);font-size:13px}
.headline{display:grid;grid-template-columns:minmax(280px,1fr) 2fr;gap:18px 28px}
.net{grid-row:span 2;align-self:center}.what{color:var(--muted);font-size:13px}
.figure{font-size:40px;line-height:1.2;font-weight:650;letter-spacing:-.02em;overflow-wrap:anywhere}
.unit{font-size:16px;font-weight:400;color:var(--muted);letter-spacing:0}
.equation,.tiles{display:grid;grid-template-columns:repeat(4,minmax(0,1fr));gap:12px 28px}
.equation{border-bottom:1px solid var(--line);padding-bottom:16px}.equation>div{position:relative}
.equation .op{position:absolute;left:-20px;top:21px;color:var(--muted);font-size:17px}
.equation dd,.tiles dd{font-size:19px;font-weight:600;overflow-wrap:anywhere}
.tiles dd.sub{font-size:12.5px;font-weight:400}
figure{position:relative}svg{display:block;width:100%;height:auto;overflow:visible}svg.narrow,span.narrow{display:none}
.readout{position:absolute;top:-34px;right:0;max-width:75%;overflow:hidden;white-space:nowrap;text-overflow:ellipsis;
font-size:13px;color:var(--muted)}.readout:empty{display:none}
figcaption{display:flex;flex-wrap:wrap;gap:4px 18px;margin-top:10px}
.key{display:inline-block;width:18px;height:0;border-top:2px solid var(--accent);vertical-align:middle;margin-right:6px}
.key.capital{border-top:1px dashed var(--muted)}.key.provisional{border-top-style:dashed}
.key.area{height:9px;border:0;background:var(--fall);opacity:.25}
.grid{stroke:var(--line);stroke-width:1;fill:none}.axis{stroke:var(--muted);stroke-opacity:.5;fill:none}
.tick{fill:var(--muted);font-size:12px}.mid{text-anchor:middle}
.tag{fill:var(--ink)}.tag-text{fill:var(--panel);font-size:12px;font-weight:600}
path.capital{stroke:var(--muted);stroke-dasharray:5 4;fill:none}
path.equity{stroke:var(--accent);stroke-width:1.75;fill:none;stroke-linejoin:round}circle.equity{fill:var(--accent)}
path.drawdown{fill:var(--fall);fill-opacity:.16}.deepest{fill:var(--panel);stroke:var(--fall);stroke-width:2}
.candle{stroke-width:1;stroke:currentColor;fill:currentColor}.candle{opacity:.62}
.stroke{stroke:var(--accent);stroke-width:1.75;fill:none;stroke-linecap:round}.stroke.provisional{stroke-dasharray:5 4}
.trip{stroke:currentColor;stroke-width:1.5;stroke-dasharray:1.5 3.5;stroke-linecap:round;fill:none}
.buy{color:var(--rise)}.sell{color:var(--fall)}.fill path{fill:currentColor;stroke:var(--panel);stroke-width:1}
.leg{font-size:10px;font-weight:700;text-anchor:middle;fill:currentColor;stroke:var(--panel);stroke-width:3;
paint-order:stroke;stroke-linejoin:round}.badge{fill:var(--panel);stroke:currentColor;stroke-width:1.25}
.badge+.leg{stroke:none}.probe{fill:transparent}.cross{stroke:var(--muted);stroke-dasharray:2 3;opacity:0}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:13.5px}
th{color:var(--muted);font-weight:500;text-align:left;white-space:nowrap}
th,td{padding:7px 14px 7px 0;border-bottom:1px solid var(--line);vertical-align:top}
th:last-child,td:last-child{padding-right:0}td{white-space:nowrap}td.num,th.num{text-align:right}
tbody tr:last-child td{border-bottom:0}tfoot td{border-top:1px solid var(--muted);border-bottom:0;font-weight:600}
code{font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;
background:var(--bg);border:1px solid var(--line);border-radius:4px;padding:0 5px}
.id,.mono dd{font:12.5px/1.6 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.strip{display:flex;flex-wrap:wrap;gap:6px 0;margin-bottom:16px}.strip li{color:var(--muted)}
.strip b{color:var(--ink);font-size:19px;font-weight:600}
.strip li+li::before{content:"→";margin:0 14px;color:var(--muted)}
.grid2{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:20px 40px}
.bars li{display:grid;grid-template-columns:minmax(110px,34%) 1fr 56px 58px;gap:10px;align-items:center;
font-size:13.5px;padding:2px 0}
.bars .name{overflow-wrap:anywhere}.bar{background:var(--bg);border-radius:3px;height:12px}
.bar i{display:block;height:100%;min-width:2px;background:var(--accent);opacity:.75;border-radius:3px}
.count,.share{text-align:right}.share{color:var(--muted)}
.pairs{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:0 40px}
.pairs>div{display:flex;justify-content:space-between;gap:18px;padding:5px 0;border-bottom:1px solid var(--line)}
.pairs dd{text-align:right;font-size:13.5px;overflow-wrap:anywhere;min-width:0}
.pairs dt{flex:none;max-width:50%;overflow-wrap:anywhere}
.mono .pairs{grid-template-columns:1fr}
.entries li{display:flex;flex-wrap:wrap;gap:0 22px;padding:7px 0;border-top:1px solid var(--line);font-size:13.5px}
.entries span:empty{display:none}.entries div{flex:1 1 340px;overflow-wrap:anywhere}.when{color:var(--muted)}
section>p+.pairs{margin-top:8px}.bars+details{margin-top:14px}
summary{cursor:pointer;color:var(--muted);font-size:13px;padding:6px 0}
footer{color:var(--muted);font-size:13px;padding:8px 20px}footer b{color:var(--ink)}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
@media(max-width:760px){main{padding:18px 12px 28px}section{padding:14px;border-radius:8px}
.headline{grid-template-columns:1fr}.net{grid-row:auto}.figure{font-size:34px}
.equation,.tiles{grid-template-columns:repeat(2,minmax(0,1fr));gap:12px 10px}
.equation>div{padding-left:18px}.equation .op{left:0}
.tiles>div{padding-left:18px}.grid2,.pairs{grid-template-columns:minmax(0,1fr)}svg.wide,span.wide{display:none}
svg.narrow{display:block}span.narrow{display:inline}
.readout{top:-44px;left:0;max-width:none;min-height:44px;white-space:normal;background:var(--panel);font-size:12px}
.bars li{grid-template-columns:38% 1fr 44px 54px;gap:8px}.pairs>div{flex-wrap:wrap;gap:0 18px}
.mono .pairs dt{max-width:none}
.strip li+li::before{margin:0 8px}footer{padding:8px 4px}}
@media print{section{break-inside:avoid}.custom{display:none}}
"""

_SCRIPT = """
for (const figure of document.querySelectorAll("figure")) {
  const readout = figure.querySelector(".readout");
  for (const svg of figure.querySelectorAll("svg")) {
    const points = [...svg.querySelectorAll("[data-x]")].map((e) => [Number(e.dataset.x), e]);
    const cross = svg.querySelector(".cross");
    const leave = () => { readout.textContent = ""; cross.style.opacity = 0; };
    svg.addEventListener("pointerleave", leave);
    svg.addEventListener("pointermove", (event) => {
      if (!points.length) return;
      const box = svg.getBoundingClientRect();
      const x = (event.clientX - box.left) * svg.viewBox.baseVal.width / box.width;
      const near = points.reduce((a, b) => (Math.abs(b[0] - x) < Math.abs(a[0] - x) ? b : a));
      const over = event.target.closest(".fill,.stroke,.trip,.deepest");
      readout.textContent = (over ?? near[1]).querySelector("title").textContent;
      cross.setAttribute("transform", `translate(${near[0]} 0)`);
      cross.style.opacity = 0.8;
    });
  }
}
"""
