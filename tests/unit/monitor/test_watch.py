from __future__ import annotations

from dataclasses import replace

from made_desk import NOW, D
from made_watch import ALL, EVERY_KIND, LONG, SECOND, names, quoted, traded, trigger, watching

from chanflow.domain.trigger import Trigger, trigger_of
from chanflow.monitor.watch import Fired, Watch

OTHER = replace(LONG, position_id="position-2")


def up(price: str = "100", *, name: str = "t1", expires_ns: int = NOW + 10**12, priority: int = 1) -> Trigger:
    return trigger("price_cross", D(price), "up", name=name, expires_ns=expires_ns, priority=priority)


def fired(watch: Watch, price: float, *, now_ns: int = NOW, symbol: str = "SIMUSDT") -> list[str]:
    return names(watch.on_touch(symbol, traded(price), now_ns=now_ns))


def test_what_fired_says_what_was_seen_against_which_bound() -> None:
    (one,) = watching(up("100.50"), price=99).on_touch("SIMUSDT", traded(99.5, 100.7, 100.6), now_ns=NOW + 7)
    assert one == Fired(
        "position-1", "SIMUSDT", "t1", "price_cross", "why", "100.7", "100.50 up", NOW + 7, late=False,
        snapshot_ref="market:SIMUSDT@2026-01-05T00:00:00.000000007Z",
    )  # fmt: skip


def test_a_trigger_fires_once() -> None:
    watch = watching(up(), price=99)
    assert [fired(watch, price) for price in (101.0, 99.0, 101.0)] == [["t1"], [], []]
    assert watch.armed("SIMUSDT") == 0


def test_one_that_has_fired_is_not_armed_again_for_its_position() -> None:
    watch = watching(up(), price=99)
    fired(watch, 101.0)
    watch.register(LONG, (up(), up("105", name="t2")), price=None, now_ns=NOW)
    assert (fired(watch, 99.0), fired(watch, 106.0)) == ([], ["t2"])


def test_a_trigger_lives_until_its_expiry_and_no_longer() -> None:
    assert fired(watching(up(expires_ns=NOW + 5), price=99), 101.0, now_ns=NOW + 5) == ["t1"]
    late = watching(up(expires_ns=NOW + 5), price=99)
    assert fired(late, 101.0, now_ns=NOW + 6) == []
    assert late.armed("SIMUSDT") == 0


def test_an_expired_one_is_not_fired_by_what_is_no_price() -> None:
    watch = watching(trigger("candle_close", "5m", expires_ns=NOW + 5))
    assert watch.on_candle("SIMUSDT", "5m", NOW // 10**6, now_ns=NOW + 6) == []
    assert watch.armed("SIMUSDT") == 0


def test_those_of_higher_priority_come_first_then_in_the_order_they_were_armed() -> None:
    watch = watching(up("101", name="far"), up("100", name="near"), up("102", name="first", priority=2), price=99)
    assert fired(watch, 103.0) == ["first", "far", "near"]


def test_registering_again_replaces() -> None:
    watch = watching(up(name="old"), price=99)
    watch.register(LONG, (up(name="new"),), price=D(99), now_ns=NOW)
    assert watch.armed("SIMUSDT") == 1
    assert fired(watch, 101.0) == ["new"]


def test_registering_leaves_other_positions() -> None:
    watch = watching(up(name="a"), price=99)
    watch.register(OTHER, (up(name="b"),), price=None, now_ns=NOW)
    assert fired(watch, 101.0) == ["a", "b"]


def test_disarming_forgets_the_triggers_of_one_position() -> None:
    watch = watching(up(name="a"), trigger("time_at", NOW, name="b"), price=99)
    watch.register(OTHER, (up(name="c"),), price=None, now_ns=NOW)
    assert (watch.disarm("position-1"), watch.disarm("position-1")) == (2, 0)
    assert fired(watch, 101.0) == ["c"]


def test_a_trigger_told_as_fired_is_gone_and_stays_gone() -> None:
    watch = watching(up(), price=99)
    watch.forget("position-1", "t1")
    watch.register(LONG, (up(),), price=None, now_ns=NOW)
    assert fired(watch, 101.0) == []


def test_symbols_do_not_disturb_each_other() -> None:
    watch = watching(up(name="sim"), price=99)
    watch.register(replace(OTHER, symbol="ABCUSDT"), (up("50", name="abc"),), price=D(49), now_ns=NOW)
    assert (watch.armed("SIMUSDT"), watch.armed("ABCUSDT")) == (1, 1)
    assert fired(watch, 49.0, symbol="ABCUSDT") == []
    assert fired(watch, 51.0) == []
    assert fired(watch, 50.0, symbol="ABCUSDT") == ["abc"]
    assert fired(watch, 100.0) == ["sim"]


def test_what_the_desk_cannot_see_is_refused_in_words_and_the_rest_is_armed() -> None:
    watch = Watch(replace(ALL, kinds=frozenset({"price_cross", "structure_event"}), structure_levels=("5m", "30m")))
    asked = (
        up(),
        trigger("funding", ">", 0.1, name="f"),
        trigger("structure_event", "1d", "center_left", name="s"),
    )
    refused = watch.register(LONG, asked, price=D(99), now_ns=NOW)
    assert refused == {
        "f": "trigger f: this desk never sees what funding waits for; it can watch price_cross structure_event",
        "s": "trigger s: structure_event.level is 1d, this desk follows 5m 30m",
    }
    assert watch.armed("SIMUSDT") == 1


def test_what_is_measured_in_risk_needs_a_stop_that_loses() -> None:
    asked = (trigger("profit_giveback", 1.0, 0.5), trigger("mark_distance_to_stop", 0.5, name="t2"))
    for stop in (None, D(100), D(101)):
        refused = Watch(ALL).register(replace(LONG, stop_price=stop), asked, price=None, now_ns=NOW)
        assert refused["t1"].endswith("is measured in the risk of position-1, which has no stop that loses")
        assert set(refused) == {"t1", "t2"}


def test_triggers_of_every_kind_are_forgotten_with_their_position() -> None:
    spelled = [
        {"trigger_id": f"t{at}", "kind": kind, "params": params, "expires_ns": NOW + SECOND, "note": "", "priority": 1}
        for at, (kind, params) in enumerate(EVERY_KIND)
    ]
    watch = watching(*map(trigger_of, spelled))
    assert watch.armed("SIMUSDT") == len(EVERY_KIND)
    assert watch.disarm("position-1") == len(EVERY_KIND)
    assert watch.armed("SIMUSDT") == 0
    assert watch.on_touch("SIMUSDT", quoted(1.0, 2.0), now_ns=NOW + 10**18) == []
