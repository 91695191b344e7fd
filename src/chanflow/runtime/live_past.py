"""What the records of earlier processes say of a live desk's signals and triggers, beside orders, books and risk."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from chanflow.domain.opinion import TradeProposal
from chanflow.execution.records import Recorded
from chanflow.monitor.watch import Fired, Watch
from chanflow.runtime.codec import decode
from chanflow.runtime.registration import register


def decision_id_of(what: str) -> str:
    """Return the id of a decision about a signal, or about a trigger that fired."""
    return str(uuid5(NAMESPACE_OID, f"broker:{what}"))


def name_of(fired: Fired) -> str:
    """Return what names the decision about a trigger that fired."""
    return f"{fired.position_id}:{fired.trigger_id}"


class LivePast:
    """Reads records; triggers that are still armed go to `watch`."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._open: dict[str, Mapping[str, Any]] = {}
        self._judged: set[str] = set()
        self._signal_of: dict[str, str] = {}
        self._decision_of: dict[str, str] = {}
        self.owed: dict[str, Fired] = {}
        """Triggers that fired and about which the analyst was not asked to the end."""
        self._asked: dict[str, str] = {}
        """Questions to a model that nothing has come of, by decision."""
        self._proposed: dict[str, TradeProposal] = {}
        """What a model proposed and the gate has not judged, by decision."""

    def take(self, record: Recorded) -> None:
        """Take in one record; those of others say nothing here."""
        self._take_model(record.kind, record.body)
        body = record.body
        match record.kind:
            case "signal":
                self._open[body["signal_id"]] = body
                self._signal_of[decision_id_of(body["signal_id"])] = body["signal_id"]
            case "signal_done":
                self._open.pop(body["signal_id"], None)
            case "approved_order" | "refusal" if body["decision_id"] in self._signal_of:
                self._judged.add(self._signal_of[body["decision_id"]])
            case "approval_wanted" if body["proposal"]["decision_id"] in self._signal_of:
                self._open.pop(self._signal_of[body["proposal"]["decision_id"]], None)
        self._take_watched(record)

    def _take_watched(self, record: Recorded) -> None:
        """Take what became of positions that are watched."""
        body = record.body
        match record.kind:
            case "refusal":
                self._settled(body["decision_id"])
            case "trade_proposal":
                self._decision_of[body["proposal_id"]] = body["decision_id"]
                if body["action"] in ("hold", "abstain"):
                    self._settled(body["decision_id"])
            case "order_intent" | "protection_moved":
                self._settled(self._decision_of.get(body["proposal_id"], ""))
            case "register_triggers":
                register(self._watch, body, price=None, now_ns=int(body["opened_ns"]))
            case "re_analysis_trigger":
                fired = decode(Fired, body)
                self._watch.forget(fired.position_id, fired.trigger_id)
                self.owed[fired.trigger_id] = fired
            case "trigger_done":
                self.owed.pop(body["trigger_id"], None)
            case "account":
                for held in body["positions"]:
                    self._watch.remember(held["symbol"], Decimal(held["mark_price"]))
            case "triggers_disarmed":
                self._watch.disarm(body["position_id"])

    def _settled(self, decision_id: str) -> None:
        """A trigger whose decision was refused, or became an order, is owed no more."""
        self.owed = {name: f for name, f in self.owed.items() if decision_id_of(name_of(f)) != decision_id}

    def _take_model(self, kind: str, body: Any) -> None:
        match kind:
            case "llm_request":
                self._asked[body["decision_id"]] = body["question_id"]
            case "decision_abandoned":
                self._asked.pop(body["decision_id"], None)
            case "trade_proposal" if self._asked.pop(body["decision_id"], None) is not None:
                if body["action"] not in ("hold", "abstain"):
                    self._proposed[body["decision_id"]] = decode(TradeProposal, body)
            case "approved_order" | "refusal":
                self._proposed.pop(body["decision_id"], None)
            case "approval_wanted":
                self._proposed.pop(body["proposal"]["decision_id"], None)
            case "proposal_lapsed":
                self._proposed = {d: p for d, p in self._proposed.items() if p.proposal_id != body["proposal_id"]}

    def lapsed(self) -> list[str]:
        """Return the signals that were judged by a process that ended before it was done with them."""
        return [name for name in self._open if name in self._judged]

    def abandoned(self) -> list[tuple[str, str | None]]:
        """Return the questions that were out when a process ended, each with its signal where that is open."""
        return [(question, self._open_signal(decision)) for decision, question in self._asked.items()]

    def unjudged(self) -> list[tuple[TradeProposal, str | None]]:
        """Return a model's proposals that were never judged, each with its signal where that is open."""
        return [(proposal, self._open_signal(decision)) for decision, proposal in self._proposed.items()]

    def unfinished(self) -> list[Mapping[str, Any]]:
        """Return the signals that were taken and never judged, but those that a model was asked about."""
        theirs = {self._signal_of.get(decision) for decision in (*self._asked, *self._proposed)}
        return [row for name, row in self._open.items() if name not in self._judged and name not in theirs]

    def _open_signal(self, decision_id: str) -> str | None:
        signal_id = self._signal_of.get(decision_id)
        return signal_id if signal_id in self._open else None
