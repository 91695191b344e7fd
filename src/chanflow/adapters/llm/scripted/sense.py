"""A stand-in for a model with some sense: it looks something up, then answers by what the briefing says.

It reads briefings as this desk writes them, and opens a trade at the newest confirmed point of the level, or at the
stroke of a signal, if the flow's score has the same sign. Else it abstains; asked anything else, it gives the smallest
answer that the schema takes. Its confidence is made up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from chanflow.adapters.llm.scripted.filling import filled
from chanflow.adapters.llm.scripted.request import Wanted, said
from chanflow.adapters.llm.scripted.script import Call

_TASK = re.compile(r"\b(entry|management) of (\S{1,32}), level (\w{1,8}), as of \S+")
_VALID = re.compile(r"valid until at most (\S{10,40})")
_NUMBER = r"([0-9]{1,12}(?:\.[0-9]{1,12})?)"
_TICK = re.compile(rf"\btick {_NUMBER}")
_QUOTES = re.compile(rf"\bbid {_NUMBER} ask {_NUMBER}")
_SCORE = re.compile(rf"\bflow@\S{{1,40}} \([^()\n]{{0,60}}\): score (-?){_NUMBER}")
_POINT = re.compile(
    rf"^(point:(buy|sell)([123])@(\w{{1,8}})#\w{{1,24}}) {_NUMBER} [^\n]{{0,60}}\bconfirmed\b", re.MULTILINE
)
_SIGNAL = re.compile(r"^signal (\w{1,48}) (buy|sell), score \S{1,24}, (stroke#\w{1,24})\b", re.MULTILINE)
_STROKE = re.compile(rf"^(stroke#\w{{1,24}}) [0-9.]{{1,24}}>{_NUMBER}\b", re.MULTILINE)
_NAMED = re.compile(r"\b(symbol|level)\b[\"':=\s]+([A-Za-z0-9._:-]{1,40})")
_STOP_TICKS = 2
_CONFIDENCE = 0.85


@dataclass(frozen=True, slots=True)
class Sense:
    """What to do next: use tools, or answer."""

    calls: tuple[Call, ...] = ()
    answer: Mapping[str, Any] | None = None


def sensible(body: Mapping[str, Any], form: Wanted) -> Sense:
    """Return the next step of a conversation: one look at the first tool that can be asked, then the answer."""
    text = said(body, ("user",))
    task = _TASK.search(text)
    if not any(message["role"] == "tool" for message in body["messages"]):
        call = _first_look(body, form, text, task)
        if call is not None:
            return Sense(calls=(call,))
    return Sense(answer=filled(form.schema, _wishes(text, task) if task is not None else {}))


def _first_look(body: Mapping[str, Any], form: Wanted, text: str, task: re.Match[str] | None) -> Call | None:
    """Return a call of the first tool whose required arguments the text names."""
    known = {name.lower(): value for name, value in reversed(_NAMED.findall(text))}
    if task is not None:
        known |= {"symbol": task[2], "level": task[3]}
    for tool in (tool["function"] for tool in body.get("tools", ())):
        needed = tool.get("parameters", {}).get("required", ())
        if (form.how, form.name) != ("tool", tool["name"]) and all(name in known for name in needed):
            return Call(tool["name"], {name: known[name] for name in needed})
    return None


def _wishes(text: str, task: re.Match[str]) -> dict[str, Any]:
    """Return the fields of a proposal for the trade that a briefing suggests, or for none."""
    wishes: dict[str, Any] = {"symbol": task[2], "level": task[3]}
    opening = _opening(text, task[3]) if task[1] == "entry" and "may open: no" not in text else None
    if opening is not None:
        return wishes | opening
    return wishes | {
        "action": "abstain", "abstain_reason": "no_setup", "reasoning_short": "no confirmed point that flow supports",
        "reasoning": "The scripted server found no confirmed point of this level with flow of the same sign.",
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Reason:
    """What a trade rests on: an id, a side, a setup, and the price that would prove it wrong."""

    ref: str
    side: str
    setup: str
    price: Decimal


def _reason(text: str, level: str) -> _Reason | None:
    points = [point for point in _POINT.findall(text) if point[3] == level]
    if points:
        ref, side, ordinal, _, price = points[-1]
        return _Reason(ref, side, f"{side}{ordinal}_flow", Decimal(price))
    signal, ends = _SIGNAL.search(text), dict(_STROKE.findall(text))
    if signal is None or signal[3] not in ends:
        return None
    return _Reason(signal[3], signal[2], signal[1], Decimal(ends[signal[3]]))


def _opening(text: str, level: str) -> dict[str, Any] | None:
    reason = _reason(text, level)
    tick, quotes, until, score = (pattern.search(text) for pattern in (_TICK, _QUOTES, _VALID, _SCORE))
    if reason is None or tick is None or quotes is None or until is None or score is None:
        return None
    sign = 1 if reason.side == "buy" else -1
    if sign * Decimal(score[1] + score[2]) <= 0:
        return None
    entry = Decimal(quotes[2] if sign > 0 else quotes[1])
    stop = reason.price - sign * _STOP_TICKS * Decimal(tick[1])
    risk = sign * (entry - stop)
    if risk <= 0 or min(stop, entry + 2 * sign * risk) <= 0:
        return None
    return {
        "action": "open_long" if sign > 0 else "open_short",
        "side": reason.side,
        "leverage": 1,
        "confidence": _CONFIDENCE,
        "strategy_details": {
            "setup": reason.setup,
            "entry": {"type": "limit", "price": str(entry), "valid_until": until[1].rstrip(".,;")},
            "stop_loss": {"price": str(stop)},
            "take_profit": [{"price": str(entry + 2 * sign * risk), "fraction": 1}],
            "invalidation": f"price beyond {stop}",
        },
        "evidence": [{"ref": reason.ref, "claim": "structure_holds", "direction": "for"}],
        "reasoning": f"{reason.ref} stands and the flow's score is {score[1]}{score[2]}.",
        "reasoning_short": f"{reason.setup}: {reason.ref} stands, flow agrees",
    }
