"""What `chanflow scorecard` finds out beside the journal: the rules in the model's place, and the model asked again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, TextIO

from chanflow.domain.canonical import plain
from chanflow.domain.errors import InvalidArgument
from chanflow.domain.interval import Interval
from chanflow.interfaces.cli.models import mind_for, models_again
from chanflow.interfaces.cli.progress import shown_progress
from chanflow.review.baseline import Beside, beside
from chanflow.review.bootstrap import Bounds
from chanflow.review.flips import FlipRate, flip_rate
from chanflow.review.probe import MEANING, Probe
from chanflow.review.scorecard import Tally
from chanflow.runtime.clock import SystemClock, SystemRandomness, Uuid7Ids
from chanflow.runtime.flip import ask_again, likely_cost, require_times, sampled
from chanflow.runtime.minds import price_list
from chanflow.runtime.probe import closes_of, days_of, most_cost, probe
from chanflow.runtime.recorded_runs import FoundRun
from chanflow.runtime.rerun import run_by_rules

if TYPE_CHECKING:
    from chanflow.review.flips import Asked
    from chanflow.runtime.settings import Loaded

Confirm = Callable[[str], bool]
"""Asks a person whether to go on."""


def rules_beside(found: FoundRun, *, data: Path | None, seed: int) -> Beside:
    """Return a run beside the same market under the rules. Raises as `run_by_rules` does."""
    with shown_progress("running again by the rules") as shown:
        rules = asyncio.run(run_by_rules(found.segment, found.records, data=data, on_share=shown))
    return beside(found.records, rules, seed=seed)


def flips_of(found: FoundRun, loaded: Loaded, *, again: int, sample: int, seed: int, confirm: Confirm) -> FlipRate:
    """Return how a sample of a run's decisions comes out when its model is asked again, once a person agreed to pay.

    Raises InvalidArgument where nobody agreed, and as `sampled` and `ask_again` do; SettingsInvalid for a model whose
    provider is not in the settings; BudgetSpent for one without a price.
    """
    require_times(again)
    drawn = sampled(found.records, models_again, count=sample, seed=seed)
    cost = likely_cost(drawn, again, price_list(loaded.settings))
    words = f"{len(drawn)} decisions are asked {again} times each, {len(drawn) * again} questions, about {cost:.4f} USD"
    if not confirm(words):
        raise InvalidArgument(f"{words}: say --yes to ask them", field="yes")

    ids = Uuid7Ids(SystemClock(), SystemRandomness())

    async def asked() -> tuple[Asked, ...]:
        async with mind_for(loaded, drawn[0].question.model) as mind:
            with shown_progress("asking again") as shown:
                return await ask_again(drawn, mind, again=again, ids=ids, on_share=shown)

    return flip_rate(asyncio.run(asked()))


def run_probe(
    model: str, loaded: Loaded, *, symbol: str | None, dates: Sequence[str], confirm: Confirm, as_json: bool,
    out: TextIO,
) -> None:  # fmt: skip
    """Write how well a model knows a symbol's closes by heart, once a person agreed to pay.

    Raises InvalidArgument for days that are none and where nobody agreed, NotFound for days without a bar,
    SettingsInvalid for a model whose provider is not in the settings, BudgetSpent for one without a price.
    """
    from chanflow.interfaces.cli.services import open_services

    if symbol is None:
        raise InvalidArgument("--probe asks for the prices of a symbol: name it with --symbol", field="symbol")
    days = days_of(dates)
    closes = closes_of(open_services(loaded).klines, symbol, days)
    cost = most_cost(model, len(days), price_list(loaded.settings))
    words = f"{model} is asked {len(days)} questions, at most {cost:.4f} USD"
    if not confirm(words):
        raise InvalidArgument(f"{words}: say --yes to ask them", field="yes")
    clock = SystemClock()

    async def asked() -> Probe:
        async with mind_for(loaded, model) as mind:
            with shown_progress("asking from memory") as shown:
                return await probe(
                    model, symbol, days, closes, mind, clock=clock, ids=Uuid7Ids(clock, SystemRandomness()),
                    language=loaded.settings.analyst.language, on_share=shown,
                )  # fmt: skip

    found = asyncio.run(asked())
    if as_json:
        out.write(json.dumps({**plain(found), "meaning": MEANING[found.finding]}, ensure_ascii=False) + "\n")
    else:
        out.write("\n".join(probe_lines(found)) + "\n")


def probe_lines(found: Probe) -> list[str]:
    """Return a probe as lines of text: each day, the errors side by side, and what they mean."""
    lines = [f"{found.model} asked for closes of {found.symbol} with no data: {found.said} of {len(found.rows)} said"]
    for row in found.rows:
        said = (
            "not known" if row.said is None or row.error_frac is None else f"{row.said:g}, off by {row.error_frac:.2%}"
        )
        guess = f"naive guess {row.naive:g}, off by {row.naive_error_frac:.2%}"
        lines.append(f"  {row.day}  close {row.close:g}  said {said}; {guess}")
    if found.error_frac is not None and found.share is not None:
        beats = f"nearer than the guess {found.nearer}/{found.said} {share_text(found.share)}"
        lines.append(f"middle error {found.error_frac:.2%}, of the naive guess {found.naive_error_frac:.2%}; {beats}")
    return [*lines, *wrap(f"{found.finding}: {MEANING[found.finding]}", 120)]


def beside_lines(found: Beside) -> list[str]:
    """Return a run and the rules side by side as lines of text."""
    lines = ["the same market by the rules: same gate, same costs"]
    lines += [_side(each) for each in (found.run, found.rules)]
    d = found.difference
    told = "too few to say more" if d.bounds is None else f"{bounds_text(d.bounds)} with 95 % confidence"
    lines.append(f"  this run less the rules: net {d.net_quote:+.2f}, {told}; paired by {d.period}, n={d.n}")
    return [*lines, ""]


def _side(each: Tally) -> str:
    hits = "-" if each.hit_share is None else f"{each.hits}/{each.judged} {share_text(each.hit_share)}"
    mean = "-" if each.mean_r is None else f"{each.mean_r:+.2f} {bounds_text(each.r)}"
    money = f"gross {each.gross_quote:+.2f} costs {each.cost_quote:.2f} net {each.net_quote:+.2f}"
    return f"  {each.name:<10}{each.closed:>5} trades, hit rate {hits}, mean R {mean}, {money}"


def flip_lines(found: FlipRate) -> list[str]:
    """Return a flip rate and each decision's votes as lines of text."""
    share = "-" if found.share is None else f"{found.flipped}/{found.judged} {share_text(found.share)}"
    lines = [f"asked again: {share} of decisions flip; {found.differed} of {found.answers} answers name another action"]
    if found.unanswered:
        why = ", ".join(f"{problem} {count}" for problem, count in found.unanswered.items())
        lines.append(f"  no votes are the questions that came to no answer: {why}")
    for each in found.asked:
        votes = ", ".join(f"{action} {count}" for action, count in each.votes.items())
        lines.append(f"  {each.decision_id}  then {each.recorded}; all answers: {votes}")
    return [*lines, ""]


def share_text(share: Interval) -> str:
    """Return the bounds of a share in percent."""
    return f"[{share.low:.0%}, {share.high:.0%}]"


def bounds_text(bounds: Bounds | None) -> str:
    """Return an interval; that there are too few cases for one."""
    return "[too few]" if bounds is None else f"[{bounds.low:+.2f}, {bounds.high:+.2f}]"
