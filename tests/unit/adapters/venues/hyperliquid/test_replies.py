"""An answer to a command: accepted, refused or unknown, one for each of the batch."""

from __future__ import annotations

from typing import Any

import pytest

from chanflow.adapters.venues.hyperliquid.replies import http_outcome, verdicts
from chanflow.execution.ports import Accepted, Action, Unknown, VenueRefused


def ok(*statuses: Any, kind: str = "order") -> dict[str, Any]:
    return {"status": "ok", "response": {"type": kind, "data": {"statuses": list(statuses)}}}


def test_each_of_a_batch_has_its_own_verdict() -> None:
    told = verdicts(ok({"resting": {"oid": 7}}, {"error": "Invalid TP/SL price."}, "waitingForTrigger"), 3)
    assert [type(v.outcome) for v in told] == [Accepted, VenueRefused, Accepted]
    assert [v.oid for v in told] == [7, None, None]


def test_a_fill_is_an_acceptance_with_a_number() -> None:
    (told,) = verdicts(ok({"filled": {"totalSz": "0.02", "avgPx": "1891.4", "oid": 77747314}}), 1)
    assert (told.outcome, told.oid) == (Accepted(), 77747314)


def test_one_refusal_stands_for_the_whole_batch() -> None:
    told = verdicts(ok({"error": "Order has zero size."}), 3)
    assert [v.outcome for v in told] == [told[0].outcome] * 3
    assert isinstance(told[0].outcome, VenueRefused)


def test_a_refused_action_refuses_all_it_held() -> None:
    told = verdicts({"status": "err", "response": "Action already expired"}, 2)
    assert [v.outcome.action for v in told if isinstance(v.outcome, VenueRefused)] == [Action.RESYNC_CLOCK] * 2


def test_what_the_venue_did_not_tell_of_is_unknown() -> None:
    told = verdicts(ok({"resting": {"oid": 7}}), 2)
    assert isinstance(told[0].outcome, Accepted)
    assert isinstance(told[1].outcome, Unknown)


@pytest.mark.parametrize(
    "reply",
    [None, [], "ok", {}, {"status": "ok"}, {"status": "err", "response": {}}, {"error": "Could not parse JSON: <html>"},
     ok({"resting": {}}), ok(7), {"status": "ok", "response": {"type": "order", "data": {"statuses": "success"}}}],
)  # fmt: skip
def test_an_answer_of_another_shape_is_unknown(reply: Any) -> None:
    assert isinstance(verdicts(reply, 1)[0].outcome, Unknown)


def test_the_plain_answer_accepts() -> None:
    assert verdicts({"status": "ok", "response": {"type": "default"}}, 1)[0].outcome == Accepted()
    assert verdicts(ok("success", kind="cancel"), 1)[0].outcome == Accepted()


@pytest.mark.parametrize(
    ("status", "kind", "action"),
    [(422, VenueRefused, Action.FIX_RULES), (429, VenueRefused, Action.PAUSE), (403, VenueRefused, Action.PAUSE),
     (500, Unknown, None), (502, Unknown, None), (504, Unknown, None)],
)  # fmt: skip
def test_http_errors_are_verdicts_only_below_500(status: int, kind: type, action: Action | None) -> None:
    outcome = http_outcome(status, "Failed to deserialize the JSON body into the target type")
    assert isinstance(outcome, kind)
    assert getattr(outcome, "action", None) is action
