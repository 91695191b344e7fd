"""What is answered without a model: for each thing the grammar understands, a text with places for its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chanflow.analyst.phrases import say, word
from chanflow.analyst.plan import Plan
from chanflow.domain.prompt import Language

SHOWN = 20
"""So many rows are listed; that there are more is said."""
OF_TRADES = ("points", "scan", "structure", "backtest")
"""Intents whose answer speaks of trades, and carries the notice."""


def template_of(plan: Plan, results: Mapping[str, Any], failed: Mapping[str, str]) -> str:
    """Return the text with places that answers a plan. `failed` are the steps without a result, with the reason."""
    lines: list[str] = [*plan.notes]
    for step in plan.steps:
        if step.id in failed:
            lines.append(say("not_done", plan.language, operation=step.operation, reason=failed[step.id]))
        elif step.id in results:
            lines += _WRITERS[step.id](plan.intent, results[step.id], plan.language)
    if plan.intent in OF_TRADES:
        lines.append(say("notice", plan.language))
    return "\n".join(lines)


def _points(intent: str, body: Any, language: Language) -> list[str]:
    rows = body["points"]
    if not rows:
        return [say("no_points", language)]
    lines = [_point(f"points.points[{at}]", row, language) for at, row in enumerate(rows[:SHOWN])]
    if intent != "scan":
        return lines
    more = len(rows) > SHOWN or body["next_cursor"] is not None
    head = say("scanned", language, more=say("more", language) if more else "")
    return [head, *(f"  {{points.points[{at}].symbol}} {line}" for at, line in enumerate(lines))]


def _forming(_: str, body: Any, language: Language) -> list[str]:
    return [_point(f"forming.points[{at}]", row, language) for at, row in enumerate(body["points"])]


def _point(place: str, row: Mapping[str, Any], language: Language) -> str:
    measured = "not_measured" if row["stats"]["hit_rate"] is None else "measured"
    return say(
        "point", language, place=place, level=word(row["level"], language), kind=word(row["type"], language),
        state=word(row["state"], language),
    ).replace("<measured>", say(measured, language, place=place))  # fmt: skip


def _backtest(_: str, body: Any, language: Language) -> list[str]:
    if body["result"] is None:
        over = body["status"] in ("failed", "cancelled")
        return [say("backtest_ended" if over else "backtest_runs", language)]
    if body["result"]["trades"] == 0:
        return [say("no_trades", language)]
    return [say("backtest", language, place="backtest.result")]


def _cancel(_: str, body: Any, language: Language) -> list[str]:
    over = body["status"] in ("succeeded", "failed", "cancelled")
    return [say("job_over" if over else "job_told", language)]


def _alert(_: str, body: Any, language: Language) -> list[str]:
    return [say("alert" if body["status"] == "active" else "alert_ended", language)]


def _structure(_: str, body: Any, language: Language) -> list[str]:
    lines = [say("structure", language, place="structure", trend=word(body["trend"], language))]
    if body["centers"]:
        lines.append(say("center", language, place=f"structure.centers[{len(body['centers']) - 1}]"))
    if body["strokes"]:
        at = len(body["strokes"]) - 1
        way = word(body["strokes"][at]["dir"], language)
        lines.append(say("stroke", language, place=f"structure.strokes[{at}]", way=way))
    return lines


def _positions(_: str, body: Any, language: Language) -> list[str]:
    lines = [say("equity", language)]
    if not body["positions"]:
        lines.append(say("flat", language))
    for at, row in enumerate(body["positions"]):
        lines.append(say("position", language, place=f"positions.positions[{at}]", side=word(row["side"], language)))
    return lines


def _why(_: str, body: Any, language: Language) -> list[str]:
    if not body["links"]:
        return [say("nothing_refused", language)]
    return [say("decision", language), *(f"  {{why.links[{at}].text}}" for at in range(len(body["links"])))]


def _halt(_: str, __: Any, language: Language) -> list[str]:
    return [say("halted", language)]


def _quota(_: str, body: Any, language: Language) -> list[str]:
    return [say("quota", language, place=f"quota.quotas[{at}]") for at in range(len(body["quotas"]))]


_WRITERS = {
    "points": _points, "forming": _forming, "backtest": _backtest, "alert": _alert, "structure": _structure,
    "positions": _positions, "why": _why, "halt": _halt, "quota": _quota, "cancel": _cancel,
}  # fmt: skip
