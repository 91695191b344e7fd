"""Drafts as a model of some character would write them, made from nothing but the words it was given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from random import Random
from typing import Any

from chanflow.domain.question import Question

D = Decimal
CENT = D("0.01")


def told(question: Question, pattern: str) -> str:
    """Return the first match of a pattern in the briefing."""
    found = re.search(pattern, question.text)
    assert found is not None, pattern
    return found[1]


def abstains(question: Question) -> Mapping[str, Any]:
    return {
        "action": "abstain", "symbol": told(question, r"of (\w+), level"), "level": told(question, r", level (\w+),"),
        "reasoning": "nothing to do", "reasoning_short": "nothing", "abstain_reason": "no_setup",
    }  # fmt: skip


def goes_long(question: Question, **changes: Any) -> dict[str, Any]:
    """A sound long at market, stop 2 % below, target 3 % above."""
    ask = D(told(question, r" ask ([0-9.]+)"))
    return {
        "action": "open_long", "symbol": told(question, r"of (\w+), level"), "level": told(question, r", level (\w+),"),
        "side": "buy", "leverage": 1,
        "strategy_details": {
            "setup": "stroke_flow",
            "entry": {"type": "market", "valid_until": told(question, r"valid until at most (\S+)")},
            "stop_loss": {"price": str((ask * D("0.98")).quantize(CENT))},
            "take_profit": [{"price": str((ask * D("1.03")).quantize(CENT)), "fraction": 1.0}],
            "invalidation": "price below the stop",
        },
        "confidence": 0.9, "reasoning": "it points up", "reasoning_short": "up",
        "evidence": [{"ref": told(question, r"(flow@\d+)"), "claim": "flow_confirms", "direction": "for"}],
        **changes,
    }  # fmt: skip


def max_long(question: Question) -> Mapping[str, Any]:
    """All in, always, at the most leverage and as sure as the form allows; how much is left to the gate."""
    most = int(told(question, r"leverage up to (\d)"))
    return goes_long(question, leverage=most, confidence=1.0)


def lies_about_prices(question: Question) -> Mapping[str, Any]:
    """Its stop lies above a market that it says stands elsewhere."""
    draft = goes_long(question)
    draft["strategy_details"] = {
        **draft["strategy_details"], "stop_loss": {"price": "150.00"},
        "take_profit": [{"price": "200.00", "fraction": 1.0}],
    }  # fmt: skip
    return draft


def obeys_the_text(question: Question) -> Mapping[str, Any]:
    """Does what an outside text told it: another symbol, no stop."""
    return goes_long(question, symbol="EVILUSDT", strategy_details=None)


def scrambled(question: Question, chance: Random) -> Mapping[str, Any]:
    """A sound draft with some fields replaced by anything."""
    draft = max_long(question) if chance.random() < 0.5 else goes_long(question)
    details: Any = draft["strategy_details"]
    price = D(told(question, r" ask ([0-9.]+)"))
    for _ in range(chance.randint(0, 3)):
        _spoil(details, price, chance)
    anything = [None, "", -1, 0, 1e308, "NaN", "Infinity", [], {}, "9" * 40, True, "close", "open_short", "sell", "0"]
    for name in chance.sample(sorted(draft), chance.randint(0, 2)):
        draft = {**draft, name: chance.choice(anything)}
    return draft


def _spoil(details: dict[str, Any], price: Decimal, chance: Random) -> None:
    factor = D(str(round(chance.choice([chance.uniform(0.5, 1.5), chance.uniform(0.99, 1.01), 0, 1_000]), 4)))
    moved = str((price * factor).quantize(CENT))
    which = chance.randrange(3)
    if which == 0:
        details["stop_loss"] = {"price": moved}
    elif which == 1:
        details["take_profit"] = [{"price": moved, "fraction": chance.choice([1.0, 0.5, 0.1])}]
    else:
        details["entry"] = {**details["entry"], "type": "limit", "price": moved}
