"""Commands are inputs of a run: journaled first, acted on once, and met again when the run is run again."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from made_commands import HandDesk, Killed, trade

from chanflow.domain.command import CancelCommand, CloseAllCommand, CommandAnswer, PreviewCommand
from chanflow.domain.errors import JournalDiverged
from chanflow.domain.order import OrderState
from chanflow.runtime.run import replay

D = Decimal


def answer(desk: HandDesk, number: int = 0) -> CommandAnswer:
    found = desk.answers[number]
    assert isinstance(found, CommandAnswer), found
    return found


def limit(own_id: str = "rests-001", price: str = "99.50", **changes: Any) -> Any:
    return trade(own_id, order_type="limit", price=D(price), **changes)


def test_a_trade_by_hand_goes_through_the_gate_and_is_filled(tmp_path: Path) -> None:
    desk = HandDesk(tmp_path, [(200.3, trade())]).run()
    [order] = answer(desk).orders
    assert (order.command_id, order.state, order.leg) == ("mine-0001", OrderState.FILLED, "entry")
    kinds = [r.kind for r in desk.records()]
    way = ["command", "trade_proposal", "approved_order", "order_intent", "order_sent", "fill"]
    assert sorted(way, key=kinds.index) == way
    [position] = desk.router.snapshot().positions
    assert position.protected


def test_it_takes_effect_at_the_moment_it_was_given(tmp_path: Path) -> None:
    desk = HandDesk(tmp_path, [(200.3, trade())]).run()
    [command], [intent] = desk.records("command"), desk.records("order_intent")
    assert command.at.endswith("00:03:00.250000000Z")
    assert intent.at.endswith("00:03:20.300000000Z")


def test_just_before_the_desk_looks_it_takes_effect_as_it_looks(tmp_path: Path) -> None:
    desk = HandDesk(tmp_path, [(240.1, trade())]).run()
    [intent] = desk.records("order_intent")
    assert intent.at.endswith("00:04:00.250000000Z")


def test_a_refusal_carries_every_reason_and_sends_nothing(tmp_path: Path) -> None:
    desk = HandDesk(tmp_path, [(200.3, trade(size_quote=D(90_000), stop_price=D("95.001")))]).run()
    refused = answer(desk).refused
    assert refused is not None
    assert {reason.code for reason in refused.reasons} == {"stop_loss"}
    assert desk.records("order_intent") == []


def test_a_desk_on_hold_refuses_by_its_gate(tmp_path: Path) -> None:
    desk = HandDesk(tmp_path, [(200.3, trade())], overrides=("execution.mode=hold",)).run()
    refused = answer(desk).refused
    assert refused is not None
    assert "strategy_mode" in {reason.code for reason in refused.reasons}


def test_the_daily_count_holds_for_trades_by_hand(tmp_path: Path) -> None:
    given = [(200 + 10 * n, trade(f"mine-{n:04}", size_quote=D(50))) for n in range(5)]
    desk = HandDesk(tmp_path, given).run()
    refused = answer(desk, 4).refused
    assert [answer(desk, n).refused for n in range(4)] == [None] * 4
    assert refused is not None
    assert {reason.code for reason in refused.reasons} == {"trades_per_day"}


def test_the_same_id_is_the_same_order(tmp_path: Path) -> None:
    desk = HandDesk(tmp_path, [(200, trade()), (300, trade())]).run()
    first, again = answer(desk, 0), answer(desk, 1)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.orders == first.orders
    assert len(desk.records("command")) == len(desk.records("order_intent")) == 1


def test_a_refused_trade_is_answered_with_its_refusal_again(tmp_path: Path) -> None:
    spoilt = trade(stop_price=D("105"))
    desk = HandDesk(tmp_path, [(200, spoilt), (300, spoilt)]).run()
    assert answer(desk, 1).refused == answer(desk, 0).refused
    assert answer(desk, 1).replayed
    assert len(desk.records("refusal")) == 1


def test_an_id_that_stands_for_another_trade_is_a_conflict(tmp_path: Path) -> None:
    desk = HandDesk(tmp_path, [(200, trade()), (300, trade(size_quote=D(301)))]).run()
    assert answer(desk, 1).problem == "idempotency_conflict"
    assert len(desk.records("command")) == 1


def test_fifty_at_once_make_one_order(tmp_path: Path) -> None:
    desk = HandDesk(tmp_path, [(200.3, trade())] * 50).run()
    assert len(desk.records("order_intent")) == 1
    assert len({answer(desk, n).orders for n in range(50)}) == 1
    assert [answer(desk, n).replayed for n in range(50)].count(False) == 1


def test_a_preview_looks_at_the_market_and_orders_nothing(tmp_path: Path) -> None:
    desk = HandDesk(tmp_path, [(200.3, PreviewCommand(trade()))]).run()
    assert answer(desk) == CommandAnswer()
    assert [r.body["kind"] for r in desk.records("command")] == ["preview_trade"]
    assert desk.records("order_intent") == desk.records("trade_proposal") == []


def test_a_preview_of_what_was_ordered_says_what_became_of_it(tmp_path: Path) -> None:
    given = [(200.3, trade()), (300, PreviewCommand(trade())), (310, PreviewCommand(trade(size_quote=D(301))))]
    desk = HandDesk(tmp_path, given).run()
    assert answer(desk, 1).orders == answer(desk, 0).orders
    assert answer(desk, 1).replayed
    assert answer(desk, 2).problem == "idempotency_conflict"
    assert len(desk.records("command")) == 1


def test_a_limit_order_rests_until_it_is_cancelled(tmp_path: Path) -> None:
    given = [(200, limit()), (400, CancelCommand("rests-001")), (410, CancelCommand("rests-001"))]
    desk = HandDesk(tmp_path, given).run()
    assert answer(desk, 0).orders[0].state is OrderState.ACCEPTED
    assert answer(desk, 1).orders[0].state is OrderState.CANCELED
    assert answer(desk, 2).orders == answer(desk, 1).orders
    assert len(desk.records("command")) == 2


def test_an_order_is_cancelled_by_the_id_it_has_at_the_venue(tmp_path: Path) -> None:
    first = HandDesk(tmp_path, [(200, limit())]).run()
    venue_id = answer(first).orders[0].client_order_id
    second = HandDesk(tmp_path / "again", [(200, limit()), (400, CancelCommand(venue_id))])
    (tmp_path / "again").mkdir()
    assert answer(second.run(), 1).orders[0].state is OrderState.CANCELED


def test_a_protective_stop_is_not_cancelled(tmp_path: Path) -> None:
    entry = answer(HandDesk(tmp_path, [(200, trade())]).run()).orders[0].client_order_id
    (tmp_path / "again").mkdir()
    desk = HandDesk(tmp_path / "again", [(200, trade()), (300, CancelCommand(f"{entry}-sl"))]).run()
    assert answer(desk, 1).problem == "protective_stop"
    [position] = desk.router.snapshot().positions
    assert position.protected


def test_an_order_nobody_knows_is_not_cancelled(tmp_path: Path) -> None:
    desk = HandDesk(tmp_path, [(200, CancelCommand("nobody-01"))]).run()
    assert answer(desk).problem == "unknown_order"
    assert desk.records("command") == []


def test_close_all_cancels_openings_and_closes_positions_once(tmp_path: Path) -> None:
    given = [(200, trade()), (210, limit()), (400, CloseAllCommand()), (410, CloseAllCommand("SIMUSDT"))]
    desk = HandDesk(tmp_path, given).run()
    ended = {order.leg: order.state for order in answer(desk, 2).orders}
    assert ended == {"entry": OrderState.CANCELED, "exit": OrderState.FILLED}
    assert answer(desk, 3).orders == ()
    assert desk.router.snapshot().positions == ()
    assert all(order.state.terminal for order in desk.router.orders.values())


def test_two_close_alls_at_once_send_one_exit(tmp_path: Path) -> None:
    desk = HandDesk(tmp_path, [(200, trade()), *[(400, CloseAllCommand())] * 5]).run()
    assert [r.body["leg"] for r in desk.records("order_intent")] == ["entry", "exit"]
    assert all(answer(desk, n).orders[0].state is OrderState.FILLED for n in range(1, 6))


def test_close_all_leaves_other_symbols_alone(tmp_path: Path) -> None:
    desk = HandDesk(tmp_path, [(200, trade()), (400, CloseAllCommand("BTCUSDT"))]).run()
    assert answer(desk, 1).orders == ()
    assert len(desk.router.snapshot().positions) == 1


def test_a_reducing_trade_makes_the_position_smaller_and_never_turns_it(tmp_path: Path) -> None:
    exits = {"stop_price": None, "take_profit_price": None, "reduce_only": True, "side": "sell"}
    half, rest = trade("half-0001", size_quote=D(100), **exits), trade("rest-0001", size_quote=D(90_000), **exits)
    wrong = trade("wrong-001", **{**exits, "side": "buy"})
    desk = HandDesk(tmp_path, [(200, trade()), (300, half), (310, wrong), (400, rest)]).run()
    refused = answer(desk, 2).refused
    assert D("0.9") < answer(desk, 1).orders[0].qty_base < D("1.1")
    assert refused is not None
    assert {reason.code for reason in refused.reasons} == {"side"}
    assert desk.router.snapshot().positions == ()


def test_a_replay_of_commands_gives_the_journal_again(tmp_path: Path) -> None:
    given = [
        (190.9, PreviewCommand(trade())), (200.3, trade()), (210.7, limit()), (333.33, CancelCommand("rests-001")),
        (400, CloseAllCommand()),
    ]  # fmt: skip
    desk = HandDesk(tmp_path, given).run()
    assert len(desk.records("command")) == 5
    replayed = asyncio.run(replay(desk.journal, data=None))
    assert replayed.records == len(desk.records())


def test_without_its_commands_a_run_comes_out_otherwise(tmp_path: Path) -> None:
    told, untold = HandDesk(tmp_path, [(200.3, trade())]).run(), HandDesk(tmp_path / "other")
    (tmp_path / "other").mkdir()
    assert untold.run().journal.read_bytes() != told.journal.read_bytes()


@pytest.mark.slow
def test_killed_after_any_record_it_goes_on_to_the_very_same_end(tmp_path: Path) -> None:
    given = [(60.9, PreviewCommand(trade())), (61.3, trade())]
    whole = HandDesk(_folder(tmp_path, "whole"), given, duration_s=80).run()
    kinds = [r.kind for r in whole.records()]
    for after in range(len(kinds) - kinds[::-1].index("command"), len(kinds)):
        cut = HandDesk(_folder(tmp_path, f"cut-{after}"), given, duration_s=80, kill_after=after)
        with pytest.raises(Killed):
            cut.run()
        assert len(cut.records()) == after
        gone_on = HandDesk(cut.folder, duration_s=80).run()
        assert gone_on.journal.read_bytes() == whole.journal.read_bytes(), f"killed before {kinds[after]}"


def test_a_caller_learns_the_fate_of_a_trade_after_a_kill(tmp_path: Path) -> None:
    given = [(200.3, trade())]
    with pytest.raises(Killed):
        HandDesk(tmp_path, given, kill_after=9).run()
    desk = HandDesk(tmp_path, [(300, trade())]).run()
    assert answer(desk).replayed
    assert answer(desk).orders[0].state is OrderState.FILLED
    assert len(desk.records("order_intent")) == 1


def test_a_command_of_another_version_is_named(tmp_path: Path) -> None:
    desk = HandDesk(tmp_path, [(200.3, trade())]).run()
    from chanflow.runtime.commands import _of_record

    [record] = desk.records("command")
    record.body["kind"] = "double_down"
    with pytest.raises(JournalDiverged, match=rf"record {record.seq}: this version knows no such command"):
        _of_record(record)


def _folder(base: Path, name: str) -> Path:
    (base / name).mkdir()
    return base / name
