from __future__ import annotations

import json
from dataclasses import fields
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_watch import EVERY_KIND

from chanflow.domain.canonical import canonical_json
from chanflow.domain.errors import OpinionInvalid
from chanflow.domain.trigger import PARAMS, PriceCross, TimeAt, Trigger, drafted, trigger_of
from chanflow.domain.trigger_bounds import BOUNDS, POINT_TYPES
from chanflow.runtime.codec import decode

BAD: list[tuple[str, Any, str]] = [
    ("price_cross", {"price": "0", "direction": "up"}, "price_cross.price is Decimal('0'), it must be from 1e-12 to"),
    ("price_cross", {"price": 61_250.5, "direction": "up"}, "a decimal number written as text from 1e-12 to 1e+12"),
    ("price_cross", {"price": "NaN", "direction": "up"}, "price_cross.price is Decimal('NaN')"),
    ("price_cross", {"price": "1e-99999", "direction": "up"}, "from 1e-12 to 1e+12"),
    ("price_cross", {"price": "1" * 41, "direction": "up"}, "price_cross.price is '1111"),
    ("price_cross", {"price": "ten", "direction": "up"}, "price_cross.price is 'ten'"),
    ("price_cross", {"price": "1", "direction": "sideways"}, "is 'sideways', it must be one of up down either"),
    ("price_cross", {"price": "1"}, "params of price_cross lacks 'direction'"),
    ("price_cross", {"price": "1", "direction": "up", "by": 1}, "params of price_cross has no field 'by'"),
    ("price_move", {"frac": 0, "window_s": 60}, "price_move.frac is 0.0, it must be above 0 to 1"),
    ("price_move", {"frac": 0.1, "window_s": 86_401}, "window_s is 86401, it must be from 1 to 86400"),
    ("price_move", {"frac": 0.1, "window_s": 60.0}, "window_s is 60.0, it must be a whole number from 1 to 86400"),
    ("price_move", {"frac": float("inf"), "window_s": 60}, "price_move.frac is inf"),
    ("price_move", {"frac": 10**400, "window_s": 60}, "price_move.frac is inf"),
    ("mark_distance_to_stop", {"r": 1.5}, "mark_distance_to_stop.r is 1.5, it must be above 0 to 1"),
    ("mark_distance_to_stop", {"r": "0.5"}, "r is '0.5', it must be a number above 0 to 1"),
    ("profit_giveback", {"peak_r": 1.0, "giveback_frac": 1.01}, "giveback_frac is 1.01"),
    ("structure_event", {"level": "2m", "event": "center_left"}, "level is '2m', it must be one of 1s 5s"),
    ("structure_event", {"level": ["5m"], "event": "center_left"}, "level is ['5m'], it must be one of"),
    ("structure_event", {"level": "5m", "event": "center_left", "type": "buy1"}, "only points have a type"),
    ("structure_event", {"level": "5m", "event": "point_void", "type": "buy4"}, "type is 'buy4'"),
    ("divergence", {"channel": "rsi", "kind": "bull"}, "channel is 'rsi', it must be one of ofi cvd fusion macd"),
    ("flow", {"field": "z_ofi", "op": ">=", "value": 1.0, "bars": 1}, "op is '>=', it must be one of > <"),
    ("flow", {"field": "z_ofi", "op": ">", "value": 1.0, "bars": 0}, "bars is 0, it must be from 1 to 3600"),
    ("flow", {"field": "z_ofi", "op": ">", "value": True, "bars": 1}, "value is True, it must be a number"),
    ("spread", {"op": ">", "value": -1.0}, "spread.value is -1.0, it must be from 0 to 10000"),
    ("volatility", {"ratio": 0.0}, "volatility.ratio is 0.0"),
    ("funding", {"op": "<", "value": -2.0}, "funding.value is -2.0, it must be from -1 to 1"),
    ("time_at", {"at_ns": -1}, "time_at.at_ns is -1"),
    ("time_at", {"at_ns": 10**400}, "time_at.at_ns is 1000"),
    ("position_age", {"seconds": 0}, "position_age.seconds is 0"),
    ("candle_close", {"level": None}, "candle_close.level is None"),
    ("order_state", {"client_order_id": "", "state": "filled"}, "client_order_id is '', it must be 1 to 64 printable"),
    ("order_state", {"client_order_id": "a", "state": "lost"}, "state is 'lost'"),
    ("data_stale", {"max_age_ms": 99}, "max_age_ms is 99, it must be from 100 to 3.6e+06"),
    ("protective_missing", {"frac": 1}, "params of protective_missing has no field 'frac'"),
    ("drawdown", {"frac": 1.2}, "drawdown.frac is 1.2"),
    ("drawdown", [0.1], "params of drawdown must be an object with frac"),
    ("moon_phase", {}, "kind is 'moon_phase', it must be one of price_cross price_move"),
    (["drawdown"], {}, "kind is ['drawdown'], it must be one of"),
]  # fmt: skip


def spelled(kind: Any, params: Any, **changes: Any) -> dict[str, Any]:
    base = {"trigger_id": "t1", "kind": kind, "params": params, "expires_ns": 10, "note": "why", "priority": 1}
    return base | changes


@pytest.mark.parametrize(("kind", "params"), EVERY_KIND)
def test_a_trigger_comes_back_from_the_journal_as_it_went(kind: str, params: dict[str, Any]) -> None:
    trigger = trigger_of(spelled(kind, params))
    text = canonical_json(trigger)

    back = decode(Trigger, json.loads(text))

    assert (back, canonical_json(back)) == (trigger, text)
    assert json.loads(text)["params"] == params


def test_every_kind_has_params_that_are_tried_here() -> None:
    assert {kind for kind, _ in EVERY_KIND} == set(PARAMS)
    assert {kind for kind, _, _ in BAD if isinstance(kind, str)} == {*PARAMS, "moon_phase"}


@pytest.mark.parametrize(("kind", "params", "sentence"), BAD)
def test_what_lies_beyond_its_bound_is_refused_with_both(kind: str, params: Any, sentence: str) -> None:
    with pytest.raises(OpinionInvalid) as caught:
        decode(Trigger, spelled(kind, params))

    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"note": "x" * 121}, "note is 'xxx"),
        ({"note": "two\nlines"}, "it must be 0 to 120 printable characters"),
        ({"priority": 3}, "priority is 3, it must be from 0 to 2"),
        ({"priority": True}, "priority is True, it must be a whole number"),
        ({"expires_ns": 0}, "expires_ns is 0"),
        ({"expires_ns": "10"}, "expires_ns is '10', it must be a whole number"),
        ({"trigger_id": "x" * 65}, "trigger_id is 'xxx"),
        ({"trigger_id": 7}, "trigger_id is 7"),
        ({"fires": "now"}, "a trigger has no field 'fires'"),
    ],
)
def test_what_surrounds_the_params_is_bounded_too(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(OpinionInvalid) as caught:
        decode(tuple[Trigger, ...], [spelled("protective_missing", {}, **changes)])

    assert sentence in str(caught.value)


def test_params_of_another_kind_are_refused() -> None:
    with pytest.raises(OpinionInvalid, match="params of time_at are TimeAt"):
        Trigger("t1", "time_at", PriceCross(Decimal(1), "up"), 10, "")


def test_the_bounds_are_those_of_the_params() -> None:
    assert {kind: list(bounds) for kind, bounds in BOUNDS.items()} == {
        kind: [f.name for f in fields(params)] for kind, params in PARAMS.items()
    }


def test_points_are_named_by_side_and_number_or_exactly() -> None:
    assert {"buy1", "buy2s", "sell3", "sell3b"} <= set(POINT_TYPES)


# ── drafts ────────────────────────────────────────────────────────────────────

DRAFT = {
    "kind": "profit_giveback", "params": {"peak_r": 1, "giveback_frac": 0.4}, "expires_at": "2026-11-22T12:00:00Z",
    "note": "protect gains", "priority": 2,
}  # fmt: skip


def test_a_draft_gets_an_id_of_its_decision_and_its_time_in_ns() -> None:
    at = {
        "kind": "time_at",
        "params": {"at": "1970-01-01T00:00:01.5Z"},
        "expires_at": "2026-11-22T12:00:00Z",
        "note": "",
    }

    first, second = drafted([DRAFT, at], decision_id="d1")

    assert (first.expires_ns, first.priority, second.priority) == (1_795_348_800_000_000_000, 2, 1)
    assert second.params == TimeAt(1_500_000_000)
    assert drafted([DRAFT, at], decision_id="d1") == (first, second)
    assert len({first.trigger_id, second.trigger_id, drafted([DRAFT], decision_id="d2")[0].trigger_id}) == 3


@pytest.mark.parametrize(
    ("drafts", "sentence"),
    [
        ([DRAFT, DRAFT | {"kind": "hunch"}], "monitoring_triggers[1]: kind is 'hunch'"),
        ([DRAFT | {"params": {"peak_r": 1}}], "lacks 'giveback_frac'"),
        ([DRAFT | {"params": {"peak_r": 101, "giveback_frac": 0.4}}], "peak_r is 101.0, it must be above 0 to 100"),
        ([DRAFT | {"expires_at": "tomorrow"}], "expires_at is 'tomorrow', it must be an RFC 3339 time"),
        ([DRAFT | {"expires_at": 5}], "expires_at is 5"),
        ([DRAFT | {"note": "x" * 121}], "monitoring_triggers[0]: note is 'xxx"),
        ([DRAFT | {"trigger_id": "mine"}], "monitoring_triggers[0] has no field 'trigger_id'"),
        ([DRAFT | {"kind": "time_at", "params": {"at_ns": 5}}], "lacks 'at'"),
        ([DRAFT] * 13, "there are 13 monitoring_triggers, at most 12 are allowed"),
        ({"kind": "drawdown"}, "monitoring_triggers must be a list"),
        ("drawdown", "monitoring_triggers must be a list"),
        (["drawdown"], "monitoring_triggers[0] must be an object"),
    ],
)
def test_one_wrong_draft_voids_the_list(drafts: Any, sentence: str) -> None:
    with pytest.raises(OpinionInvalid) as caught:
        drafted(drafts, decision_id="d1")

    assert sentence in str(caught.value)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
_FIELDS = st.sampled_from(sorted({name for _, params in EVERY_KIND for name in params}))


@given(kind=st.sampled_from(sorted(PARAMS)) | _JSON, params=st.dictionaries(_FIELDS, _JSON, max_size=4) | _JSON)
def test_whatever_is_drafted_forms_a_trigger_or_is_refused_in_words(kind: Any, params: Any) -> None:
    try:
        (trigger,) = drafted([DRAFT | {"kind": kind, "params": params}], decision_id="d1")
    except OpinionInvalid as error:
        refused = str(error)
    else:
        assert trigger_of(json.loads(canonical_json(trigger))) == trigger
        return
    assert refused.startswith("monitoring_triggers[0]")
