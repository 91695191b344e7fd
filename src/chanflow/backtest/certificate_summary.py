"""What several certificates say together: a paragraph and a row for each market and interval, made of their figures.

A cell is one point type, side, level and interval. Cells are counted and their medians named; their shares are never
averaged, since a type that is shown often would drown the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chanflow.backtest.certificate import markdown_table, nearest_rank, share
from chanflow.runtime.certificates import FEW

_MARKETS = {"crypto": "crypto", "cn": "A-shares"}
_CHANCE = 0.025
"""How much of a 95 % interval's error lies on either side."""


@dataclass(frozen=True, slots=True)
class Page:
    """A certificate's JSON object, and the page that has all of it."""

    link: str
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Entries:
    """Over the cells with enough entries: how many there are, hit more or less often than chance, and earned.

    `earned` counts those whose mean net return is above zero and above that of random entries.
    """

    cells: int
    above: int
    below: int
    earned: int

    @property
    def by_chance(self) -> float:
        """How many cells would lie above chance, and below it, if every entry were one by chance."""
        return self.cells * _CHANCE


def summary_page(pages: Sequence[Page], *, head: str, command: str) -> str:
    """Return the page of a summary (Markdown) under the title `head`; `command` is what makes it again."""
    return "\n\n".join(_sections(pages, head, command)) + "\n"


def _sections(pages: Sequence[Page], head: str, command: str) -> Iterator[str]:
    yield f"# {head}"
    yield (
        f"Made by `{command}` from recorded bars, with nothing added by hand. A *cell* is one point type (买卖点), "
        f"side, level and interval; only cells with at least {FEW} cases are counted here, and every one stands on the "
        f"pages below. Past figures promise nothing: not investment advice (不构成投资建议)."
    )
    for page in pages:
        yield _paragraph(page)
    yield "## By interval"
    yield (
        "Survival and lag are the median of the cells, and in brackets the lowest and highest; a lag needs as many "
        "confirmed points. Above and below count the cells whose hit rate lies apart from that of random entries: its "
        "95 % interval does not hold theirs. Earned: the mean return after costs is above zero and above theirs."
    )
    yield markdown_table(
        ("market", "rule", "interval", "cells", "ever shown", "survival", "lag p50, bars",
         "first seen: above / below / of", "confirmed: above / below / of", "first seen: earned",
         "confirmed: earned"),
        [row for page in pages for row in _rows(page)],
        text=3,
    )  # fmt: skip
    yield "## Every cell"
    yield "\n".join(
        f"- [{_market(page.document)}, {_rule(page.document)}]({page.link}): {_data(page.document)}" for page in pages
    )
    yield "## How to read it"
    yield "\n".join(f"- {note}" for note in pages[0].document["notes"])


def _paragraph(page: Page) -> str:
    document = page.document
    cells, costs = document["cells"], document["costs_per_side"]
    lasting = [cell["permanence"] for cell in cells if not cell["permanence"]["few"]]
    ever = sum(cell["permanence"]["ever_shown"] for cell in cells)
    kept = sum(cell["permanence"]["in_final"] for cell in cells)
    survival = _middle([one["survival"] for one in lasting])
    lag = _middle([one["lag_p50_bars"] for one in lasting if one["confirmed"] >= FEW])
    seen, sure = _entries(cells, "from_first_seen"), _entries(cells, "from_confirmed")
    lead = (
        f"**{_market(document)}, {_rule(document)}.** {'The proof holds' if document['holds'] else 'THE PROOF FAILS'}: "
        f"{document['proof']['confirmed_changed']:,} of {document['proof']['confirmed_compared']:,} confirmed objects "
        f"changed later. {ever:,} points were ever shown and {kept:,} of them are in the final structures; "
    )
    if survival is None:
        return lead + f"no cell has {FEW} cases."
    lasts = f"the median cell keeps {share(survival)}. "
    lasts += (
        f"Until a point is certain it takes the median cell a median of {lag:,} bars."
        if lag is not None
        else f"No cell has {FEW} confirmed points to name a lag of."
    )
    return (
        f"{lead}{lasts} Entered when first seen, {_told(seen)} Entered when confirmed, {_told(sure)} "
        f"After {costs['taker_bps'] + costs['slippage_bps']:g} bps a side the mean entry was above both zero and the "
        f"mean random one in {seen.earned} of {seen.cells} cells when first seen, in {sure.earned} of {sure.cells} "
        f"when confirmed."
    )


def _told(entries: _Entries) -> str:
    if not entries.cells:
        return f"no cell has {FEW} entries."
    return (
        f"{entries.above} of {entries.cells} cells reached the target more often than random entries and "
        f"{entries.below} less often (independent entries by chance: about {entries.by_chance:.1f} each way)."
    )


def _entries(cells: Sequence[Mapping[str, Any]], since: str) -> _Entries:
    measured = [cell[since] for cell in cells if not cell[since]["few"]]
    return _Entries(
        len(measured),
        sum(one["hit_low"] > one["base_hit_rate"] for one in measured),
        sum(one["hit_high"] < one["base_hit_rate"] for one in measured),
        sum(one["mean_net_bps"] > max(0, one["base_mean_net_bps"]) for one in measured),
    )


def _rows(page: Page) -> Iterator[tuple[str, ...]]:
    document = page.document
    for interval in dict.fromkeys(cell["interval"] for cell in document["cells"]):
        cells = [cell for cell in document["cells"] if cell["interval"] == interval]
        lasting = [cell["permanence"] for cell in cells if not cell["permanence"]["few"]]
        lags = [one["lag_p50_bars"] for one in lasting if one["confirmed"] >= FEW]
        seen, sure = _entries(cells, "from_first_seen"), _entries(cells, "from_confirmed")
        yield (
            _market(document), _rule(document), interval, f"{len(lasting)}",
            f"{sum(cell['permanence']['ever_shown'] for cell in cells):,}",
            _range([100 * one["survival"] for one in lasting], "{:.1f} %", "{:.1f}"),
            _range(lags, "{:,.0f}", "{:,.0f}"),
            f"{seen.above} / {seen.below} / {seen.cells}", f"{sure.above} / {sure.below} / {sure.cells}",
            f"{seen.earned} of {seen.cells}", f"{sure.earned} of {sure.cells}",
        )  # fmt: skip


def _range(values: Sequence[float], form: str, bound: str) -> str:
    middle = _middle(values)
    if middle is None:
        return "–"
    return f"{form.format(middle)} [{bound.format(min(values))}, {bound.format(max(values))}]"


def _middle(values: Sequence[float]) -> float | None:
    """Return the lower median, so that it is one of the values."""
    return nearest_rank(sorted(values), 50)


def _market(document: Mapping[str, Any]) -> str:
    names = dict.fromkeys(_MARKETS.get(one["market"], one["market"]) for one in document["data"])
    return " and ".join(names)


def _rule(document: Mapping[str, Any]) -> str:
    settings = " ".join(f"{key}={value}" for key, value in document["params"].items())
    return f"`{document['preset']}{f' {settings}' if settings else ''}`"


def _data(document: Mapping[str, Any]) -> str:
    intervals = list(dict.fromkeys(one["interval"] for one in document["data"]))
    files = list(dict.fromkeys(one["file"] for one in document["data"]))
    symbols = {one["symbol"] for one in document["data"]}
    bars = sum(one["rows"] for one in document["data"])
    suspended = sum({(one["file"], one["symbol"]): one["suspended"] for one in document["data"]}.values())
    adjusted = len({one["symbol"] for one in document["data"] if one["adjusted"]})
    told = f"{len(symbols)} symbols at {', '.join(intervals)}, {bars:,} bars of {', '.join(files)}"
    if suspended:
        told += f"; {suspended:,} days without trade left out"
    return told + (f"; prices of {adjusted} symbols times their factor of the day" if adjusted else "")
