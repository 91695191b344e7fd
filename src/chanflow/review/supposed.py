"""What a trade would have earned that was not made: the same exits for every one, costs always charged.

Judged on the closes of the journal's own bars, so what a bar touched and left is not seen: a stop leaves at the close
beyond it, a take-profit at its price. A trade that neither meets leaves at the last close it may be held to.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from random import Random
from statistics import fmean

from chanflow.domain.interval import Interval
from chanflow.review.decisions import PricePath

RANDOM_SEEDS = 200


@dataclass(frozen=True, slots=True)
class Exits:
    """The standard exits: `reward_risk` times the risk, `max_hold_ms` of patience, `cost_bps` for both ways."""

    reward_risk: float = 2.0
    max_hold_ms: int = 4 * 3_600_000
    cost_bps: float = 12.0


@dataclass(frozen=True, slots=True)
class Entry:
    """A trade as it would have begun: `risk_frac` and `reward_frac` are the ways to stop and target over the entry."""

    at_ms: int
    long: bool
    risk_frac: float
    reward_frac: float


@dataclass(frozen=True, slots=True)
class Supposed:
    """What it would have earned, net and before costs, in multiples of its risk; `hit` as of an outcome."""

    net_r: float
    gross_r: float
    hit: bool | None


def suppose(entry: Entry, path: PricePath, exits: Exits) -> Supposed | None:
    """Return what an entry would have earned; None where the path ends before it could begin."""
    at = bisect_right(path.ts_ms, entry.at_ms)
    if at >= len(path.prices) - 1 or entry.risk_frac <= 0.0:
        return None
    price, sign = path.prices[at], 1.0 if entry.long else -1.0
    moved, hit = 0.0, None
    for ts_ms, now in zip(path.ts_ms[at + 1 :], path.prices[at + 1 :], strict=True):
        moved = sign * (now / price - 1.0)
        if moved <= -entry.risk_frac:
            hit = False
            break
        if moved >= entry.reward_frac:
            moved, hit = entry.reward_frac, True
            break
        if ts_ms - entry.at_ms >= exits.max_hold_ms:
            break
    gross = moved / entry.risk_frac
    return Supposed(gross - exits.cost_bps / 10_000.0 / entry.risk_frac, gross, hit)


@dataclass(frozen=True, slots=True)
class RandomEntries:
    """Entries at random moments, sides and exits being the same.

    `random_mean_r` is their mean net R, `band` its middle 90 %, and `p` the chance that luck does as well as `mean_r`.
    """

    n: int
    mean_r: float
    random_mean_r: float
    band: Interval
    p: float


def random_entries(
    entries: list[Entry], path: PricePath, exits: Exits, *, seed: int, seeds: int = RANDOM_SEEDS
) -> RandomEntries | None:
    """Return how entries compare with random ones; None where there are none, or no path to draw from."""
    taken = [found for entry in entries if (found := suppose(entry, path, exits)) is not None]
    if not taken or len(path.ts_ms) < 3:
        return None
    mean_r = fmean(t.net_r for t in taken)
    means = []
    for number in range(seeds):
        chance = Random(f"{seed}:{number}")  # noqa: S311 - no secret
        drawn = [
            suppose(Entry(path.ts_ms[chance.randrange(len(path.ts_ms) - 2)], e.long, e.risk_frac, e.reward_frac),
                    path, exits)
            for e in entries
        ]  # fmt: skip
        results = [d.net_r for d in drawn if d is not None]
        if results:
            means.append(fmean(results))
    means.sort()
    low, high = means[int(0.05 * len(means))], means[min(len(means) - 1, int(0.95 * len(means)))]
    as_good = sum(mean >= mean_r for mean in means)
    return RandomEntries(len(taken), mean_r, fmean(means), Interval(low, high), (1 + as_good) / (len(means) + 1))
