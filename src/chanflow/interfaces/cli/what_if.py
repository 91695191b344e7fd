"""`chanflow what-if`: a recorded decision, day or run under another policy, other fees or another level."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from chanflow.domain.canonical import plain
from chanflow.domain.errors import InvalidArgument
from chanflow.interfaces.cli.models import models_again
from chanflow.interfaces.cli.progress import shown_progress
from chanflow.review.explain import decisions_named
from chanflow.review.what_if import Change, Judged, OrderLine, RunDiff, Verdict
from chanflow.runtime.home import Home
from chanflow.runtime.recorded_runs import FoundRun, find_run
from chanflow.runtime.rerun import compare_again
from chanflow.runtime.what_if import GateDiff, judge_again, policy_of

if TYPE_CHECKING:
    from chanflow.runtime.what_if import Policy


def run_what_if(
    name: str, *, policy: Path | None, fees: Path | None, ladder: str | None, home: Home, data: Path | None,
    gate_only: bool, as_json: bool, out: TextIO,
) -> None:  # fmt: skip
    """Write what would change: every verdict, and for a run or a day the run as a whole.

    Raises NotFound for an unknown name, SettingsInvalid and InvalidArgument for what is supposed.
    """
    found = find_run(home, name)
    supposed = policy_of(found.records[0], policy=policy, fees=fees, ladder=ladder)
    gate = _at_the_gate(found, supposed)
    whole = None
    if found.scope != "id" and not gate_only:
        whole = _whole_run(found, supposed, data)
    if as_json:
        out.write(json.dumps(_body(found, gate, whole), ensure_ascii=False) + "\n")
    else:
        _tell(found, gate, whole, out)


def _at_the_gate(found: FoundRun, policy: Policy) -> GateDiff:
    wanted = decisions_named(found.records, found.name) if found.scope == "id" else frozenset()

    def is_wanted(judged: Judged) -> bool:
        match found.scope:
            case "id":
                return judged.body["decision_id"] in wanted
            case "day":
                return judged.at.startswith(found.name)
        return True

    with shown_progress("judging again") as shown:
        total = sum(record.kind == "judged" for record in found.records)
        diff = judge_again(
            found.records, policy, wanted=is_wanted, on_progress=lambda asked: shown(asked / max(1, total))
        )
    if diff.judged == 0 and found.scope == "id":
        raise InvalidArgument(f"{found.name} was never put to the gate: chanflow explain {found.name} says why")
    return diff


def _whole_run(found: FoundRun, policy: Policy, data: Path | None) -> RunDiff:
    with shown_progress("running again") as shown:
        return asyncio.run(
            compare_again(found.segment, found.records, policy, data=data, on_share=shown, make_model=models_again)
        )


# ── as JSON ───────────────────────────────────────────────────────────────────


def _body(found: FoundRun, gate: GateDiff, whole: RunDiff | None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "run_id": found.records[0].body["run_id"], "scope": found.scope, "judged": gate.judged,
        "other_limits": gate.stale, "changed": plain(gate.changes), "run": None,
    }  # fmt: skip
    if whole is not None:
        body["run"] = {
            **plain(whole),
            "equity_delta_quote": plain(whole.after.equity_quote - whole.before.equity_quote),
            "fees_delta_quote": plain(whole.after.fees_quote - whole.before.fees_quote),
        }
    return body


# ── for people ────────────────────────────────────────────────────────────────


def _tell(found: FoundRun, gate: GateDiff, whole: RunDiff | None, out: TextIO) -> None:
    out.write(f"run: {found.records[0].body['run_id']}\n")
    out.write(f"at the gate: {gate.judged} judged again, {len(gate.changes)} come out otherwise\n")
    if gate.judged == 0:
        out.write(
            "  this journal kept no questions to the gate: an earlier version wrote it, or nothing was proposed\n"
        )
    if gate.stale:
        out.write(f"  {gate.stale} were judged by other limits than these settings give now: other code made the run\n")
    out.writelines(_change_line(change) for change in gate.changes)
    if whole is not None:
        _tell_run(whole, out)


def _change_line(change: Change) -> str:
    what = f"#{change.seq} {change.at[:19]}Z {change.symbol} {change.how}"
    return f"  {what}: {_verdict(change.before)} -> {_verdict(change.after)}  (decision {change.decision_id})\n"


def _verdict(verdict: Verdict) -> str:
    if not verdict.allowed:
        return f"refused by {verdict.bound}"
    bound = f", bound by {verdict.binding}" if verdict.binding else ""
    return f"{verdict.qty_base} at leverage {verdict.leverage}{bound}"


def _tell_run(diff: RunDiff, out: TextIO) -> None:
    if diff.stopped:
        out.write(f"the whole run stops early: {diff.stopped}\n")
    if diff.empty:
        out.write("the whole run: nothing differs\n")
        return
    out.write(f"the whole run: {diff.before.orders} orders -> {diff.after.orders}\n")
    out.writelines(f"  gone:    {_order(line)}\n" for line in diff.gone)
    out.writelines(f"  new:     {_order(line)}\n" for line in diff.new)
    out.writelines(
        f"  resized: {_order(pair.before)} -> {pair.after.qty_base} ({pair.after.filled_base} filled)\n"
        for pair in diff.resized
    )
    out.write(_money_line("equity", diff.before.equity_quote, diff.after.equity_quote))
    out.write(_money_line("fees", diff.before.fees_quote, diff.after.fees_quote))
    falls = f"{diff.before.max_drawdown_frac:.4%} -> {diff.after.max_drawdown_frac:.4%}"
    out.write(f"  trades: {diff.before.trades} -> {diff.after.trades}, largest drawdown: {falls}\n")


def _money_line(name: str, before: Decimal, after: Decimal) -> str:
    return f"  {name}: {before:.4f} -> {after:.4f} quote, {after - before:+.4f}\n"


def _order(line: OrderLine) -> str:
    return (
        f"{line.at[:19]}Z {line.leg} {line.side} {line.qty_base} {line.symbol} ({line.filled_base} filled)"
    )  # fmt: skip
