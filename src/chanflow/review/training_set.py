"""Decisions of models as examples to train on: what was asked, what was answered, and what became of it.

Each is a chat of three messages and says in `label` how its decision ended, so that whoever trains may choose. What is
of the account is left out: the prompt's sections of permission and position, the wished size, balances, account ids,
addresses and names of people; so is whatever `secret` knows for a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

from chanflow.domain.canonical import canonical_json
from chanflow.domain.time import rfc3339
from chanflow.review.decisions import Decision, decisions_of
from chanflow.review.journal import Record

OF_THE_ACCOUNT = ("permission", "position")
"""Sections of a prompt that are left out."""
_OF_THE_MARKET = ("structure", "flow", "context")
"""Sections that hold no amounts of the account; a price there stays, even where it equals one."""
_LEFT_OUT = "(left out)"
_SIZES = ("size_quote",)
_NO_NAMES = ("paper", "manual", "schedule", "signal", "trigger", "desk", "operator")
"""Accounts and askers that name nobody."""

_MONEY = re.compile(r"equity|cash|balance|capital|high_water|available|pnl")
_AMOUNT = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?![\w])")
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{16,}\b")
_BARE = re.compile(r"[-+]?\d+(\.\d+)?|\d{4}-\d{2}-\d{2}T\S+")
_SHORTEST_AMOUNT, _LONGEST_AMOUNT = 100, 10**18
"""A smaller figure says little of an account, and stands all over a text; none is larger."""


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Lines of JSON without their ends, in the order of the decisions, and how many decisions of models had none."""

    lines: tuple[str, ...]
    unanswered: int


@dataclass(slots=True)
class _Account:
    """What a journal tells of its account and its people, to be found again in texts."""

    names: dict[str, str] = field(default_factory=dict)
    amounts: set[Decimal] = field(default_factory=set)

    def learn(self, record: Record) -> None:
        """Take in what one record tells."""
        body = record.body
        self._name(body.get("asked_by"), "[person]")
        for key, value in _walk(body):
            if key in ("account", "account_id", "wallet", "principal"):
                self._name(value, "[account]")
            elif _MONEY.search(key):
                self._amount(value)

    def _name(self, name: object, mask: str) -> None:
        if isinstance(name, str) and len(name) >= 3 and name not in _NO_NAMES:
            self.names[name] = mask

    def _amount(self, value: object) -> None:
        try:
            amount = abs(Decimal(str(value)))
        except InvalidOperation:
            return
        if amount.is_finite() and _SHORTEST_AMOUNT <= amount < _LONGEST_AMOUNT:
            rounded = amount.quantize(Decimal(1), ROUND_HALF_EVEN)
            self.amounts |= {amount, rounded, Decimal(int(amount)), amount.quantize(Decimal("0.01"), ROUND_HALF_EVEN)}

    def unnamed(self, text: str) -> str:
        """Return `text` without names and addresses."""
        for name in sorted(self.names, key=lambda each: (-len(each), each)):
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", self.names[name], text)
        return _ADDRESS.sub("[account]", text)

    def unpriced(self, text: str) -> str:
        """Return `text` without amounts of the account."""
        return _AMOUNT.sub(lambda found: "[amount]" if self._known(found[0]) else found[0], text)

    def _known(self, figure: str) -> bool:
        return Decimal(figure.replace(",", "")) in self.amounts


def training_set(records: Sequence[Record], *, since_ns: int, secret: Callable[[str], str]) -> TrainingSet:
    """Return the examples of one journal whose decisions were made at `since_ns` or later."""
    account, asked, answered = _Account(), dict[str, Mapping[str, Any]](), dict[str, Mapping[str, Any]]()
    for record in records:
        account.learn(record)
        if record.kind == "llm_request":
            asked[record.body["decision_id"]] = record.body
        elif record.kind == "llm_response":
            answered[record.body["decision_id"]] = record.body
    lines, unanswered = [], 0
    for decision in decisions_of(records):
        request, response = asked.get(decision.decision_id), answered.get(decision.decision_id)
        if request is None or decision.at_ns < since_ns:
            continue
        if response is None or response.get("draft") is None:
            unanswered += 1
            continue
        lines.append(canonical_json(_cleaned(_example(decision, request, response, account), account, secret)))
    return TrainingSet(tuple(lines), unanswered)


def label_of(decision: Decision, draft: Mapping[str, Any]) -> str:
    """Return how a decision ended: success, failure, flat, open, managed, refused, abstained, held, invalid or late."""
    if decision.action == "abstain":
        if decision.abstain_reason in ("invalid_output", "model_error"):
            return "invalid"
        return "late" if draft.get("action") != "abstain" else "abstained"
    if decision.action == "hold":
        return "held"
    if decision.verdict == "refused":
        return "refused"
    if not decision.opens:
        return "managed"
    if decision.outcome is None:
        return "open"
    net = decision.outcome.net_quote
    return "success" if net > 0 else "failure" if net < 0 else "flat"


def _example(
    decision: Decision, request: Mapping[str, Any], response: Mapping[str, Any], account: _Account
) -> dict[str, Any]:
    draft = response["draft"]
    outcome = decision.outcome
    return {
        "messages": [
            {"role": "system", "content": str(request["instructions"])},
            {"role": "user", "content": "\n".join(_without_account(str(request["text"]), account))},
            {"role": "assistant", "content": canonical_json(_drafted(draft, account))},
        ],
        "label": label_of(decision, draft),
        "decision": {
            "decision_id": decision.decision_id, "at": rfc3339(decision.at_ns), "symbol": decision.symbol,
            "level": decision.level, "kind": decision.kind, "action": decision.action, "setup": decision.setup,
            "model": str(response.get("model", "")), "prompt_hash": str(request.get("prompt_hash", "")),
            "analyst_hash": str(request.get("analyst_hash", "")), "verdict": decision.verdict,
            "reasons": list(decision.reasons), "tools": [str(call["name"]) for call in response.get("tool_calls", ())],
            "r_multiple": None if outcome is None else outcome.r_multiple,
            "hit": None if outcome is None else outcome.hit,
            "exit": None if outcome is None else outcome.exit_leg,
        },
    }  # fmt: skip


def _without_account(text: str, account: _Account) -> Iterator[str]:
    """Yield the lines of a prompt, what is of the account left out."""
    section = ""
    for line in text.split("\n"):
        if line.startswith("## "):
            section = line[3:].strip()
            yield line
            if section in OF_THE_ACCOUNT:
                yield _LEFT_OUT
        elif section not in OF_THE_ACCOUNT:
            yield line if section in _OF_THE_MARKET else account.unpriced(line)


def _drafted(value: Any, account: _Account) -> Any:
    """Return a draft without sizes, and without amounts of the account in its words; prices and times stay."""
    if isinstance(value, Mapping):
        return {str(key): _drafted(each, account) for key, each in value.items() if key not in _SIZES}
    if isinstance(value, list | tuple):
        return [_drafted(each, account) for each in value]
    if isinstance(value, str) and _BARE.fullmatch(value) is None:
        return account.unpriced(value)
    return value


def _cleaned(value: Any, account: _Account, secret: Callable[[str], str]) -> Any:
    """Return an example with secrets, names and addresses out of all its texts."""
    if isinstance(value, str):
        return account.unnamed(secret(value))
    if isinstance(value, dict):
        return {account.unnamed(secret(key)): _cleaned(each, account, secret) for key, each in value.items()}
    if isinstance(value, list):
        return [_cleaned(each, account, secret) for each in value]
    return value


def _walk(value: Any) -> Iterable[tuple[str, Any]]:
    """Yield every key with its value, at any depth."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield str(key), each
            yield from _walk(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _walk(each)
