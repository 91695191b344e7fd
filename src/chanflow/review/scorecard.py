"""How good the analyst is: what it earned and what its words were worth, beside those who need no analyst at all.

Every figure has its number of cases and an interval; gross, costs and net stand apart; nothing is printed as infinity.
What there are too few cases for is None.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import fmean

import numpy as np

from chanflow.domain.interval import Interval, wilson
from chanflow.domain.time import NS_PER_DAY, NS_PER_MS
from chanflow.review.bootstrap import Bounds, Floats, interval
from chanflow.review.calibration import Calibration, calibration
from chanflow.review.decisions import Decision, PricePath
from chanflow.review.leakage import Leakage, leakage
from chanflow.review.sharpe import CRYPTO_DAYS, Deflated, Sharpe, deflated, sharpe
from chanflow.review.supposed import Entry, Exits, RandomEntries, Supposed, random_entries, suppose

ZERO = Decimal(0)
_Names = Callable[[Decision], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Tally:
    """Decisions of one kind and what came of them. `hits` of `judged` reached their target before their stop."""

    name: str
    decisions: int
    approved: int
    refused: int
    closed: int
    hits: int
    judged: int
    hit_share: Interval | None
    mean_r: float | None
    r: Bounds | None
    gross_quote: Decimal
    cost_quote: Decimal
    net_quote: Decimal
    asked_usd: Decimal


@dataclass(frozen=True, slots=True)
class Passed:
    """What was passed over and would have earned under the standard exits; low is good for whoever abstained."""

    why: str
    n: int
    mean_net_r: float
    r: Bounds | None
    winners: int


@dataclass(frozen=True, slots=True)
class Scorecard:
    """One analyst's record over one journal. `trials` is what `trial_log` holds, for the deflated ratio."""

    actions: Mapping[str, int]
    by_analyst: tuple[Tally, ...]
    by_setup: tuple[Tally, ...]
    by_level: tuple[Tally, ...]
    by_hour: tuple[Tally, ...]
    by_claim: tuple[Tally, ...]
    calibration: Calibration
    score_calibration: Calibration
    abstained: tuple[Passed, ...]
    refused: tuple[Passed, ...]
    random: RandomEntries | None
    buy_and_hold_frac: float | None
    sharpe: Sharpe
    deflated: Deflated
    leakage: Leakage


def scorecard(
    decisions: Sequence[Decision], path: PricePath, returns: Floats, *, exits: Exits, seed: int,
    trials: Floats | None = None, cutoff_ns: Mapping[str, int] | None = None, masked: frozenset[str] = frozenset(),
    other_runs: Sequence[Decision] = (),
) -> Scorecard:  # fmt: skip
    """Return the scorecard of a journal's decisions. `returns` are daily, net; `trials` per-day Sharpe ratios tried.

    `other_runs` are decisions of further journals, which count for the panels of leakage alone.
    """
    entries = [d for d in decisions if d.opens]
    tried = np.array([]) if trials is None else trials
    asked_model = [d for d in entries if d.analyst == "llm"]
    return Scorecard(
        actions=dict(sorted(Counter(d.action for d in decisions).items())),
        by_analyst=_grouped(decisions, lambda d: [d.model or d.analyst], seed),
        by_setup=_grouped(entries, lambda d: [d.setup], seed),
        by_level=_grouped(entries, lambda d: [d.level], seed),
        by_hour=_grouped(entries, lambda d: [f"{d.at_ns % NS_PER_DAY // (NS_PER_DAY // 24):02d} UTC"], seed),
        by_claim=_grouped(entries, lambda d: [f"{claim} {way}" for claim, way in sorted(set(d.claims))], seed),
        calibration=calibration(_forecasts(asked_model)),
        score_calibration=calibration(_forecasts(d for d in entries if d.analyst != "llm")),
        abstained=_passed((d for d in decisions if d.action == "abstain"), path, exits, seed),
        refused=_passed((d for d in entries if d.verdict == "refused"), path, exits, seed),
        random=random_entries(
            [e for d in entries if d.verdict == "approved" and (e := _entry(d, path, exits)) is not None],
            path, exits, seed=seed,
        ),
        buy_and_hold_frac=_held(path, exits),
        sharpe=sharpe(returns, days_per_year=CRYPTO_DAYS, seed=seed),
        deflated=deflated(returns, tried),
        leakage=leakage((*decisions, *other_runs), cutoff_ns or {}, masked=masked, seed=seed),
    )  # fmt: skip


def _forecasts(decisions: Iterable[Decision]) -> list[tuple[float, bool]]:
    return [
        (d.confidence, d.outcome.hit)
        for d in decisions
        if d.confidence is not None and d.outcome is not None and d.outcome.hit is not None
    ]


def _grouped(decisions: Sequence[Decision], names: _Names, seed: int) -> tuple[Tally, ...]:
    groups: dict[str, list[Decision]] = defaultdict(list)
    for decision in decisions:
        for name in names(decision):
            groups[name].append(decision)
    return tuple(tally(name, groups[name], seed) for name in sorted(groups))


def tally(name: str, group: Sequence[Decision], seed: int) -> Tally:
    """Return what came of decisions, all of one kind called `name`."""
    outcomes = [d.outcome for d in group if d.outcome is not None]
    judged = [o.hit for o in outcomes if o.hit is not None]
    closed = [d for d in group if d.outcome is not None and d.outcome.r_multiple is not None]
    multiples = [o.r_multiple for o in outcomes if o.r_multiple is not None]
    gross = sum((o.gross_quote for o in outcomes), ZERO)
    net = sum((o.net_quote for o in outcomes), ZERO)
    return Tally(
        name=name,
        decisions=len(group),
        approved=sum(d.verdict == "approved" for d in group),
        refused=sum(d.verdict == "refused" for d in group),
        closed=len(outcomes),
        hits=sum(judged),
        judged=len(judged),
        hit_share=wilson(sum(judged), len(judged)) if judged else None,
        mean_r=fmean(multiples) if multiples else None,
        r=_by_days([(d.at_ns, m) for d, m in zip(closed, multiples, strict=True)], seed),
        gross_quote=gross,
        cost_quote=gross - net,
        net_quote=net,
        asked_usd=sum((d.cost_usd for d in group), ZERO),
    )


def _by_days(results: Sequence[tuple[int, float]], seed: int) -> Bounds | None:
    """Return the interval of a mean whose cases overlap within days: whole UTC days are drawn."""
    days: dict[int, list[float]] = defaultdict(list)
    for at_ns, value in results:
        days[at_ns // NS_PER_DAY].append(value)
    if len(days) < 2:
        return None
    sums = np.array([[sum(days[day]), float(len(days[day]))] for day in sorted(days)])

    def means(rows: Floats) -> Floats:
        found: Floats = rows[..., 0].sum(axis=1) / rows[..., 1].sum(axis=1)
        return found

    return interval(sums, means, seed=seed)


def _entry(decision: Decision, path: PricePath, exits: Exits) -> Entry | None:
    """Return the trade that a decision meant, or that the signal it abstained on asked for."""
    at_ms = decision.at_ns // NS_PER_MS
    entry, stop, target = decision.entry_price, decision.stop_price, decision.target_price
    if decision.opens and stop is not None and target is not None:
        base = entry if entry is not None else _price_at(path, at_ms)
        if base is None:
            return None
        risk, reward = abs(base - stop) / base, abs(target - base) / base
        return Entry(at_ms, decision.action == "open_long", float(risk), float(reward))
    base = _price_at(path, at_ms)
    if base is None or not decision.signal_side or decision.signal_stop is None:
        return None
    long = decision.signal_side == "buy"
    risk = (base - decision.signal_stop if long else decision.signal_stop - base) / base
    return Entry(at_ms, long, float(risk), exits.reward_risk * float(risk)) if risk > 0 else None


def _price_at(path: PricePath, at_ms: int) -> Decimal | None:
    at = bisect_right(path.ts_ms, at_ms) - 1
    return Decimal(repr(path.prices[at])) if at >= 0 and path.prices[at] > 0 else None


def _passed(decisions: Iterable[Decision], path: PricePath, exits: Exits, seed: int) -> tuple[Passed, ...]:
    groups: dict[str, list[tuple[int, Supposed]]] = defaultdict(list)
    for decision in decisions:
        entry = _entry(decision, path, exits)
        found = None if entry is None else suppose(entry, path, exits)
        if found is not None:
            why = decision.abstain_reason or (decision.reasons[0] if decision.reasons else "")
            groups[why].append((decision.at_ns, found))
    return tuple(
        Passed(
            why, len(group), fmean(s.net_r for _, s in group), _by_days([(at, s.net_r) for at, s in group], seed),
            sum(s.net_r > 0 for _, s in group),
        )
        for why, group in sorted(groups.items())
    )  # fmt: skip


def _held(path: PricePath, exits: Exits) -> float | None:
    prices = [price for price in path.prices if price > 0]
    return prices[-1] / prices[0] - 1.0 - exits.cost_bps / 10_000.0 if len(prices) > 1 else None
