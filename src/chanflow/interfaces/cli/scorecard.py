"""`chanflow scorecard`: what an analyst's words were worth in one run, beside those who need no analyst at all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TextIO

from chanflow.domain.canonical import plain
from chanflow.domain.errors import InvalidArgument
from chanflow.domain.time import NS_PER_S
from chanflow.interfaces.cli.scorecard_more import beside_lines, bounds_text, flip_lines, share_text
from chanflow.review.baseline import Beside
from chanflow.review.bootstrap import NARROW_BELOW
from chanflow.review.calibration import Calibration
from chanflow.review.decisions import decisions_of, price_path
from chanflow.review.flips import FlipRate
from chanflow.review.provenance import cutoffs_of, was_masked
from chanflow.review.report import NOTICE
from chanflow.review.returns import daily_returns
from chanflow.review.scorecard import Passed, Scorecard, Tally, scorecard
from chanflow.review.supposed import Exits
from chanflow.runtime.recorded_runs import FoundRun


def run_scorecard(
    runs: Sequence[FoundRun], *, cutoffs: Iterable[str], cost_bps: float, seed: int, as_json: bool, out: TextIO,
    rules: Beside | None = None, flips: FlipRate | None = None,
) -> None:  # fmt: skip
    """Write the scorecard of the first run, with `rules` beside it and its `flips`, where they were looked for.

    The decisions of further runs count for the panels of leakage. Raises InvalidArgument for a cutoff that is not
    MODEL=DATE, and for a run that is given twice.
    """
    first, records = runs[0], runs[0].records
    names = [str(run.records[0].body["run_id"]) for run in runs]
    if len(set(names)) < len(names):
        raise InvalidArgument(f"the runs are {', '.join(names)}: give each once", field="run")
    decided = [decisions_of(run.records) for run in runs]
    cutoff_ns = {model: at for run in runs for model, at in cutoffs_of(run.records[0]).items()}
    card = scorecard(
        decided[0], price_path(records), daily_returns(records), exits=Exits(cost_bps=cost_bps), seed=seed,
        cutoff_ns=cutoff_ns | dict(_cutoff(text) for text in cutoffs),
        masked=frozenset(d.decision_id for run, each in zip(runs, decided, strict=True)
                         if was_masked(run.records[0]) for d in each),
        other_runs=[d for each in decided[1:] for d in each],
    )  # fmt: skip
    if as_json:
        more = {name: plain(found) for name, found in (("rules", rules), ("flips", flips)) if found is not None}
        body = {"run_id": names[0], "masked": was_masked(first.records[0]), **plain(card), **more}
        out.write(json.dumps(body, ensure_ascii=False) + "\n")
        return
    more_lines = [] if rules is None else beside_lines(rules)
    more_lines += [] if flips is None else flip_lines(flips)
    hidden = " (masked: no name, date or price was shown to the model)" if was_masked(records[0]) else ""
    out.write("\n".join(lines_of(card, names[0] + hidden, more_lines)) + "\n")


def _cutoff(text: str) -> tuple[str, int]:
    model, equals, day = text.rpartition("=")
    try:
        moment = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        equals = ""
    if not equals or not model:
        raise InvalidArgument(
            f"--cutoff is {text!r}, it must be like deepseek/deepseek-chat=2025-07-31", field="cutoff"
        )
    return model, int(moment.timestamp()) * NS_PER_S


def lines_of(card: Scorecard, run_id: str, more: Sequence[str] = ()) -> list[str]:
    """Return the card as lines of text, at most 120 columns wide, with `more` before its notice.

    What there are too few cases for is a dash.
    """
    actions = ", ".join(f"{name} {count}" for name, count in card.actions.items()) or "none"
    lines = [f"run: {run_id}", f"decisions: {actions}", ""]
    for title, tallies in (
        ("by analyst", card.by_analyst), ("by setup", card.by_setup), ("by level", card.by_level),
        ("by hour", card.by_hour), ("by claim (type and direction)", card.by_claim),
    ):  # fmt: skip
        lines += _table(title, tallies)
    lines += _calibrated("confidence of models: was it true", card.calibration)
    lines += _calibrated("score of rules (a score, no probability)", card.score_calibration)
    lines += _passed("abstained: what it would have earned", card.abstained)
    lines += _passed("refused by the gate: what it would have earned", card.refused)
    lines += _baselines(card)
    return [*lines, *more, NOTICE]


def _table(title: str, tallies: Sequence[Tally]) -> list[str]:
    if not tallies:
        return []
    head = f"{title:<34}{'made':>6}{'appr.':>6}{'ref.':>6}{'closed':>7}  {'hit rate':<22}{'mean R':<24}{'net':>10}"
    lines = [head]
    for tally in tallies:
        hits = "-" if tally.hit_share is None else f"{tally.hits}/{tally.judged} {share_text(tally.hit_share)}"
        mean = "-" if tally.mean_r is None else f"{tally.mean_r:+.2f} {bounds_text(tally.r)}"
        counts = f"{tally.decisions:>6}{tally.approved:>6}{tally.refused:>6}{tally.closed:>7}"
        name = tally.name if len(tally.name) <= 33 else tally.name[:32] + "…"
        lines.append(f"{name:<34}{counts}  {hits:<22}{mean:<24}{tally.net_quote:>10.2f}")
        if title == "by analyst" and tally.closed:
            costs = f"gross {tally.gross_quote:+.2f}, costs {tally.cost_quote:.2f}, asking cost {tally.asked_usd} USD"
            lines.append(f"  {costs}")
    return [*lines, ""]


def _calibrated(title: str, found: Calibration) -> list[str]:
    if found.n == 0:
        return []
    scores = f"Brier {found.brier:.3f} (base rate alone {found.naive:.3f}), calibration error {found.error:.3f}"
    lines = [f"{title}: n={found.n}, {scores}"]
    for b in found.bins:
        if b.share is not None:
            verdict = "" if b.honest else "  outside"
            lines.append(f"  {b.low:.1f}-{b.high:.1f}  said {b.mean_confidence:.2f}, "
                         f"came true {b.hits}/{b.n} {share_text(b.share)}{verdict}")  # fmt: skip
    return [*lines, ""]


def _passed(title: str, rows: Sequence[Passed]) -> list[str]:
    if not rows:
        return []
    lines = [f"{title} (standard exits, judged on closes, costs charged)"]
    lines += [
        f"  {r.why:<26} n={r.n:<5} mean R {r.mean_net_r:+.2f} {bounds_text(r.r)}, {r.winners} winners" for r in rows
    ]
    return [*lines, ""]


def _baselines(card: Scorecard) -> list[str]:
    lines = ["beside those who need no analyst"]
    if card.random is not None:
        r = card.random
        lines.append(
            f"  random entries, same sides and exits: mean R {r.random_mean_r:+.2f}, middle 90 % "
            f"[{r.band.low:+.2f}, {r.band.high:+.2f}]; these {r.n} entries {r.mean_r:+.2f}, p = {r.p:.3f}"
        )
    if card.buy_and_hold_frac is not None:
        lines.append(f"  buy and hold: {card.buy_and_hold_frac:+.2%} of the price, net of costs")
    lines.append("  always abstain: 0")
    s = card.sharpe
    if s.value is None:
        lines.append(f"  Sharpe ratio: - ({s.reason})")
    else:
        narrow = ", interval too narrow" if s.days < NARROW_BELOW else ""
        lines.append(f"  Sharpe ratio: {s.value:.2f} {bounds_text(s.bounds)} a year, {s.days} days{narrow}")
    d = card.deflated
    if d.probability is not None:
        lines.append(f"  deflated: {d.probability:.1%} above the luck of {d.trials} recorded trials")
    return [*lines, *_leakage(card), ""]


def _leakage(card: Scorecard) -> list[str]:
    lines = []
    for panel in card.leakage.panels:
        mean = "-" if panel.mean_r is None else f"{panel.mean_r:+.2f} {bounds_text(panel.r)}"
        lines.append(f"  {panel.model}, {panel.side} its cutoff{', masked' if panel.masked else ''}: "
                     f"n={panel.n}, mean R {mean}")  # fmt: skip
    lines += [
        f"  SUSPICIOUS: {s.model} does better on what it may remember ({s.what}): "
        f"{bounds_text(s.remembered)} against {bounds_text(s.fresh)}"
        for s in card.leakage.suspicions
    ]
    return lines
