"""The certificate: what was measured of every point type, as values, as JSON and as a table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from chanflow.backtest.barriers import Barriers, Costs
from chanflow.backtest.proof import Proof
from chanflow.domain.canonical import plain
from chanflow.domain.interval import wilson
from chanflow.runtime.certificates import FEW, SCHEMA, EntryFigures, Permanence

Number = TypeVar("Number", int, float)

NOTES = (
    "Survival: in the final structure ÷ ever shown, each level, side, type and bar once; the newest may still be void.",
    "Lag: bars from the one after which it was first shown to the one after which it cannot change, if it got there.",
    "Entries are made at the next bar's open. Left out: those without a full horizon or without an ATR above 0.",
    "Both barriers in one bar count as the stop; a time-out is no hit; a bar that opens beyond a barrier ends there.",
    "Random entries come from the same series in the same shares, with the same side, barriers and costs.",
    "Entries close in time, or at one time on several symbols, depend on each other: true intervals are wider.",
    "T+1, price limits, short-selling bans and funding are not applied. Past figures promise nothing: no advice.",
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class ElementCell:
    """The figures of one kind of element, up or down."""

    market: str
    interval: str
    kind: str
    direction: str
    series: int
    permanence: Permanence


@dataclass(frozen=True, slots=True)
class PointCell:
    """The figures of one point type: interval is its timeframe, level the kind of element that it ends."""

    market: str
    interval: str
    level: str
    type: str
    side: str
    series: int
    permanence: Permanence
    from_first_seen: EntryFigures
    from_confirmed: EntryFigures


@dataclass(frozen=True, slots=True)
class DataEntry:
    """One series that was measured, at one interval; times are the opens of its first and last bar."""

    file: str
    sha256: str
    symbol: str
    market: str
    source_interval: str
    source_rows: int
    suspended: int
    widened: int
    adjusted: bool
    interval: str
    rows: int
    first_ts_ms: int | None
    last_ts_ms: int | None


@dataclass(frozen=True, slots=True)
class Certificate:
    """Everything needed to read the figures, and to make them again."""

    code: Mapping[str, str]
    preset: str
    params: Mapping[str, str | bool | int | float | None]
    barriers: Barriers
    costs: Costs
    seed: int
    controls_per_entry: int
    data: tuple[DataEntry, ...]
    proof: Proof
    elements: tuple[ElementCell, ...]
    cells: tuple[PointCell, ...]

    @property
    def holds(self) -> bool:
        """Whether the proof holds and nothing confirmed was ever withdrawn."""
        every = [cell.permanence for cell in self.elements] + [cell.permanence for cell in self.cells]
        return self.proof.holds and all(one.confirmed_withdrawn == 0 for one in every)


def permanence(*, ever_shown: int, in_final: int, confirmed_withdrawn: int, lags: list[int]) -> Permanence:
    """Return the figures of `ever_shown` things; `lags` has one number of bars for each confirmed one."""
    bounds = wilson(in_final, ever_shown) if ever_shown else None
    ordered = sorted(lags)
    return Permanence(
        ever_shown=ever_shown,
        few=ever_shown < FEW,
        in_final=in_final,
        survival=round(in_final / ever_shown, _DIGITS) if ever_shown else None,
        survival_low=round(bounds.low, _DIGITS) if bounds else None,
        survival_high=round(bounds.high, _DIGITS) if bounds else None,
        confirmed=len(ordered),
        confirmed_withdrawn=confirmed_withdrawn,
        lag_p50_bars=nearest_rank(ordered, 50),
        lag_p90_bars=nearest_rank(ordered, 90),
    )


def nearest_rank(ordered: Sequence[Number], percent: int) -> Number | None:
    """Return the smallest value that at least `percent` % of the rising values do not exceed; None of none."""
    return ordered[-(-percent * len(ordered) // 100) - 1] if ordered else None


def certificate_document(certificate: Certificate) -> dict[str, Any]:
    """Return the certificate as one JSON object of the schema `chanflow.certificate/1`.

    A parameter that is no finite number stands there as text, `inf` as it is written in settings.
    """
    params = {key: str(value) if value in _INFINITE else value for key, value in certificate.params.items()}
    body = {
        "code": certificate.code,
        "preset": certificate.preset,
        "params": dict(sorted(params.items())),
        "barriers": certificate.barriers,
        "costs_per_side": certificate.costs,
        "seed": certificate.seed,
        "controls_per_entry": certificate.controls_per_entry,
        "few_below": FEW,
        "data": certificate.data,
        "proof": certificate.proof,
        "holds": certificate.holds,
        "elements": certificate.elements,
        "cells": certificate.cells,
        "notes": NOTES,
    }
    document: dict[str, Any] = {"schema": SCHEMA, **plain(body)}
    return document


_INFINITE = (float("inf"), float("-inf"))


def certificate_json(certificate: Certificate) -> str:
    """Return the certificate's JSON: one object, the same bytes for the same figures, with a newline at its end."""
    return json.dumps(certificate_document(certificate), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def certificate_table(document: Mapping[str, Any]) -> str:
    """Return a certificate's JSON object as Markdown: what was measured, on what, and how to read it."""
    return "\n\n".join(_sections(document)) + "\n"


def _sections(document: Mapping[str, Any]) -> Iterator[str]:
    barriers, costs, proof = document["barriers"], document["costs_per_side"], document["proof"]
    yield "# Certificate: how Chan points (买卖点) held, and what entries at them met"
    settings = ", ".join(f"{key}={value}" for key, value in document["params"].items())
    yield (
        f"Preset `{document['preset']}`{f' with {settings}' if settings else ''}. Target and stop "
        f"{barriers['atr_multiple']:g} × ATR({barriers['atr_bars']}), horizon {barriers['horizon_bars']} bars; costs "
        f"per side {costs['taker_bps']:g} bps taker and {costs['slippage_bps']:g} bps slippage; "
        f"{document['controls_per_entry']} random entries for each entry, seed {document['seed']}."
    )
    yield (
        f"{'Holds' if document['holds'] else '**Does not hold**'}: {proof['prefixes']:,} prefixes analysed "
        f"on their own, {proof['confirmed_changed']:,} of {proof['confirmed_compared']:,} confirmed objects "
        f"changed later, {proof['history_differs']:,} differences from the history among "
        f"{proof['shown_compared']:,} shown."
    )
    yield "## Points"
    yield markdown_table(
        ("market", "interval", "level", "type", "side", "ever shown", "survival", "confirmed", "lag p50 / p90"),
        [
            (
                cell["market"], cell["interval"], cell["level"], cell["type"], cell["side"],
                *_permanence_columns(cell["permanence"]),
            )
            for cell in document["cells"]
        ],
        text=5,
    )  # fmt: skip
    for key, title in (("from_first_seen", "Entry after first seen"), ("from_confirmed", "Entry after confirmed")):
        yield f"## {title}"
        yield markdown_table(
            ("market", "interval", "level", "type", "side", "n", "hit rate [95 %]", "random", "time-outs", "gross bps",
             "net bps", "random net bps"),
            [
                (cell["market"], cell["interval"], cell["level"], cell["type"], cell["side"],
                 *_entry_columns(cell[key]))
                for cell in document["cells"]
            ],
            text=5,
        )  # fmt: skip
    yield "## Elements"
    yield markdown_table(
        ("market", "interval", "kind", "direction", "ever shown", "survival", "confirmed", "lag p50 / p90"),
        [
            (cell["market"], cell["interval"], cell["kind"].replace("_", "-"), cell["direction"],
             *_permanence_columns(cell["permanence"]))
            for cell in document["elements"]
        ],
        text=4,
    )  # fmt: skip
    yield "## Data"
    yield markdown_table(
        ("file", "symbol", "market", "interval", "first bar (UTC)", "last bar (UTC)", "bars", "sha256"),
        [
            (one["file"], one["symbol"], one["market"], one["interval"], moment(one["first_ts_ms"]),
             moment(one["last_ts_ms"]), f"{one['rows']:,}", f"`{one['sha256'][:12]}`")
            for one in document["data"]
        ],
        text=6,
    )  # fmt: skip
    yield "## How to read it"
    yield "\n".join(f"- {note}" for note in document["notes"])


def _permanence_columns(figures: Mapping[str, Any]) -> tuple[str, ...]:
    lag = "–" if figures["lag_p50_bars"] is None else f"{figures['lag_p50_bars']:,} / {figures['lag_p90_bars']:,}"
    survival = share_between(figures["survival"], figures["survival_low"], figures["survival_high"])
    return counted(figures["ever_shown"], few=figures["few"]), survival, f"{figures['confirmed']:,}", lag


def _entry_columns(figures: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        counted(figures["n"], few=figures["few"]),
        share_between(figures["hit_rate"], figures["hit_low"], figures["hit_high"]),
        share(figures["base_hit_rate"]),
        share(figures["timeout_share"]),
        bps(figures["mean_gross_bps"]),
        bps(figures["mean_net_bps"]),
        bps(figures["base_mean_net_bps"]),
    )


def counted(count: int, *, few: bool) -> str:
    """Return a count of cases, marked where they are few."""
    return f"{count:,} (n < {FEW})" if few else f"{count:,}"


def share(value: float | None) -> str:
    """Return a share of 0 to 1 in percent."""
    return "–" if value is None else f"{100 * value:.1f} %"


def share_between(value: float | None, low: float | None, high: float | None) -> str:
    """Return a share of 0 to 1 with its bounds, in percent."""
    if value is None or low is None or high is None:
        return "–"
    return f"{100 * value:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


def bps(value: float | None) -> str:
    """Return basis points with their sign."""
    return "–" if value is None else f"{value:+.1f}"


def moment(ts_ms: int | None) -> str:
    """Return a time in minutes of UTC."""
    return "–" if ts_ms is None else f"{_EPOCH + timedelta(milliseconds=ts_ms):%Y-%m-%d %H:%M}"


def markdown_table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]], *, text: int) -> str:
    """Return a Markdown table whose first `text` columns hold words, the others numbers; a sentence without rows."""
    if not rows:
        return "None was shown."
    rule = ["---"] * text + ["---:"] * (len(head) - text)
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in (head, rule, *rows))
