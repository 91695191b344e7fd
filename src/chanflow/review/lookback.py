"""What a period came to, as facts and as a text without any model: counts, the best and the worst, ideas to test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chanflow.domain.canonical import plain
from chanflow.domain.lesson import MAX_SUMMARY
from chanflow.domain.memory import ClosedTrade, Decision
from chanflow.review.patterns import patterns_of
from chanflow.review.performance import performance_of

SHOWN = 3
LEAST_FOR_IDEA = 5
MAX_IDEAS = 5


@dataclass(frozen=True, slots=True)
class Instance:
    """One closed decision, and what memory had said when it was taken."""

    decision_id: str
    symbol: str
    level: str
    setup: str
    r_multiple: float
    memory_said: str


@dataclass(frozen=True, slots=True)
class BacktestIdea:
    """A backtest that is worth asking for: nobody has, and nothing follows from it by itself."""

    symbols: tuple[str, ...]
    level: str
    setup: str
    why: str


@dataclass(frozen=True, slots=True)
class Lookback:
    """The facts of a period. `decisions` are those taken in it, `performance` is of the trades closed in it."""

    period: str
    decisions: int
    fates: dict[str, int]
    refusals: dict[str, int]
    performance: dict[str, Any]
    patterns: tuple[dict[str, Any], ...]
    best: tuple[Instance, ...]
    worst: tuple[Instance, ...]
    ideas: tuple[BacktestIdea, ...]
    unread: tuple[str, ...] = ()
    """Journals that could not be read: what they tell is not in here."""

    @property
    def facts(self) -> dict[str, Any]:
        """All of it as JSON."""
        body: dict[str, Any] = plain(self)
        return body


def lookback(
    period: str,
    decisions: Sequence[Decision],
    trades: Sequence[ClosedTrade],
    known: Sequence[Decision],
    *,
    unread: tuple[str, ...] = (),
) -> Lookback:
    """Return the facts of a period. `known` are decisions that opened its trades, also those of earlier periods."""
    opened = {decision.decision_id: decision for decision in known}
    closed = sorted(
        (_instance(trade, r, opened.get(trade.decision_id)) for trade in trades if (r := trade.r_multiple) is not None),
        key=lambda each: (each.r_multiple, each.decision_id),
    )
    losses, gains = [c for c in closed if c.r_multiple < 0.0], [c for c in closed if c.r_multiple > 0.0]
    return Lookback(
        period=period,
        decisions=len(decisions),
        fates=dict(sorted(Counter(decision.fate for decision in decisions).items())),
        refusals=dict(
            sorted(Counter(c for d in decisions if d.fate == "refused" for c in d.reason.split(", ")).items())
        ),
        performance=performance_of(trades),
        patterns=tuple(plain(each) for each in patterns_of(period, decisions)),
        best=tuple(reversed(gains[-SHOWN:])),
        worst=tuple(losses[:SHOWN]),
        ideas=_ideas(decisions),
        unread=unread,
    )


def _instance(trade: ClosedTrade, r: float, decision: Decision | None) -> Instance:
    if decision is None:
        return Instance(trade.decision_id, trade.symbol, "", "", r, "")
    return Instance(trade.decision_id, trade.symbol, decision.level, decision.setup, r, decision.memory_said)


def _ideas(decisions: Sequence[Decision]) -> tuple[BacktestIdea, ...]:
    """Return a backtest for each setup and level that lost on average over at least five closed decisions."""
    groups: dict[tuple[str, str], list[Decision]] = {}
    for decision in decisions:
        if decision.outcome is not None and decision.outcome.r_multiple is not None and decision.setup:
            groups.setdefault((decision.setup, decision.level), []).append(decision)
    found = []
    for (setup, level), group in sorted(groups.items()):
        mean = sum(d.outcome.r_multiple or 0.0 for d in group if d.outcome is not None) / len(group)
        if len(group) >= LEAST_FOR_IDEA and mean < 0.0:
            symbols = tuple(sorted({decision.symbol for decision in group}))
            found.append(BacktestIdea(symbols, level, setup, f"{len(group)} closed decisions, mean {mean:+.2f} R"))
    return tuple(found[:MAX_IDEAS])


def text_of(found: Lookback) -> str:
    """Return the facts in plain sentences, at most 1,200 characters."""
    gap = f" {len(found.unread)} journals could not be read: what they tell is missing." if found.unread else ""
    if not found.decisions and not found.performance["n"]:
        return f"{found.period}: no decisions and no closed trades. Nothing to learn.{gap}"
    parts = [gap.strip()] if gap else []
    parts += [f"{found.period}: {found.decisions} decisions" + _listed(found.fates) + "."]
    figures = found.performance
    if figures["n"]:
        mean = "not known" if figures["mean_r"] is None else f"{figures['mean_r']:+.2f} R"
        parts.append(
            f"{figures['n']} trades closed, {figures['hits']} with profit (95 % interval {figures['hit_low']:.0%} "
            f"to {figures['hit_high']:.0%}), mean {mean}, net {figures['net_quote']} "
            f"after {figures['fees_quote']} of cost."
        )
    else:
        parts.append("No trade closed.")
    if found.refusals:
        parts.append("The gate refused for" + _listed(found.refusals) + ".")
    for title, instances in (("Best", found.best), ("Worst", found.worst)):
        if instances:
            parts.append(f"{title}: " + "; ".join(_line(each) for each in instances) + ".")
    if found.ideas:
        parts.append("Worth a backtest: " + "; ".join(f"{i.setup} at {i.level} ({i.why})" for i in found.ideas) + ".")
    return " ".join(parts)[:MAX_SUMMARY]


def _listed(counts: dict[str, int]) -> str:
    return " (" + ", ".join(f"{count} {name}" for name, count in counts.items()) + ")" if counts else ""


def _line(each: Instance) -> str:
    about = " ".join(part for part in (each.symbol, each.level, each.setup) if part)
    said = f", memory said: {each.memory_said}" if each.memory_said else ""
    return f"{about} {each.r_multiple:+.2f} R{said}"
