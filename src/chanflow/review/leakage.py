"""Whether a model knew the answers: what it earned before and after the end of what it was trained on, never blended.

A model that trades a market it has read about may remember it. So its decisions are shown in panels: before and after
its stated cutoff, with names and dates shown or masked. Where it does better on what it may remember, beyond what
chance allows, that is said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

import numpy as np

from chanflow.domain.interval import Interval, wilson
from chanflow.review.bootstrap import Bounds, Floats, interval
from chanflow.review.decisions import Decision

Side = Literal["before", "after", "unknown"]
LEAST_TRADES = 10
"""Panels of fewer closed trades are shown and not compared."""


@dataclass(frozen=True, slots=True)
class Panel:
    """Closed trades of one model on one side of its cutoff. `r` bounds the mean R; None where there are too few."""

    model: str
    side: Side
    masked: bool
    n: int
    hits: int
    judged: int
    hit_share: Interval | None
    mean_r: float | None
    r: Bounds | None


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One comparison that chance does not explain: the panel that may remember lies wholly above the other."""

    model: str
    what: Literal["cutoff", "mask"]
    remembered: Bounds
    fresh: Bounds


@dataclass(frozen=True, slots=True)
class Leakage:
    """All panels, and what is suspicious among them; `compared` says whether any two could be compared at all."""

    panels: tuple[Panel, ...]
    suspicions: tuple[Suspicion, ...]
    compared: bool


def leakage(
    decisions: Sequence[Decision], cutoff_ns: Mapping[str, int], *, masked: frozenset[str], seed: int
) -> Leakage:
    """Return the panels of all models that closed trades. `masked` are the decisions whose briefing hid name and date.

    A model without a stated cutoff is `unknown`: nothing is said of it.
    """
    groups: dict[tuple[str, Side, bool], list[Decision]] = defaultdict(list)
    for decision in decisions:
        if decision.model and decision.outcome is not None and decision.outcome.r_multiple is not None:
            cutoff = cutoff_ns.get(decision.model)
            side: Side = "unknown" if cutoff is None else "before" if decision.at_ns < cutoff else "after"
            groups[decision.model, side, decision.decision_id in masked].append(decision)
    panels = tuple(_panel(*key, group, seed) for key, group in sorted(groups.items()))
    found = {(p.model, p.side, p.masked): p for p in panels}
    pairs = [
        *((p, found.get((p.model, "after", p.masked)), "cutoff") for p in panels if p.side == "before"),
        *((p, found.get((p.model, p.side, True)), "mask") for p in panels if not p.masked),
    ]  # fmt: skip
    suspicions, compared = [], False
    for remembered, fresh, what in pairs:
        if fresh is None or remembered.r is None or fresh.r is None:
            continue
        compared = True
        if remembered.r.low > fresh.r.high:
            kind: Literal["cutoff", "mask"] = "cutoff" if what == "cutoff" else "mask"
            suspicions.append(Suspicion(remembered.model, kind, remembered.r, fresh.r))
    return Leakage(panels, tuple(suspicions), compared)


def _panel(model: str, side: Side, masked: bool, group: Sequence[Decision], seed: int) -> Panel:
    outcomes = [d.outcome for d in group if d.outcome is not None]
    judged = [o.hit for o in outcomes if o.hit is not None]
    multiples = [o.r_multiple for o in outcomes if o.r_multiple is not None]
    bounds = None
    if len(multiples) >= LEAST_TRADES:
        bounds = interval(np.array(multiples), _means, seed=seed)
    hits = sum(judged)
    share = wilson(hits, len(judged)) if judged else None
    mean = fmean(multiples) if multiples else None
    return Panel(model, side, masked, len(outcomes), hits, len(judged), share, mean, bounds)


def _means(rows: Floats) -> Floats:
    means: Floats = rows.mean(axis=1)
    return means
