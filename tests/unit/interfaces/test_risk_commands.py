"""`chanflow risk`: JSON lines in and out; what cannot be used is named and nothing is guessed."""

from __future__ import annotations

import json
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from chanflow.domain.errors import InvalidArgument
from chanflow.interfaces.cli.risk import check, evaluated, limits_lines
from chanflow.review.journal import JournalWriter
from chanflow.risk.codes import CODES
from chanflow.risk.limits import Limits
from chanflow.runtime.clock import SimulatedClock
from chanflow.runtime.door_file import door_url, standing_door
from chanflow.runtime.halt_file import carry_halt, halt_text, write_halt
from chanflow.runtime.home import Home
from chanflow.runtime.settings import load_settings

NOW = 1_767_571_200_000_000_000
WISH = {
    "symbol": "BTCUSDT", "side": "buy", "price": "42000.0", "stop_price": "41500.0", "take_profit_price": "43000.0",
}  # fmt: skip
MARKET = {"mark": "42000", "sigma": "0.5", "volume_1m": "1000000", "funding": "0"}


def asked(*lines: str, market: object = MARKET, account: object = None, position: object = None) -> list[Any]:
    out = StringIO()
    settings = load_settings(config=None, overrides=(), environ={"HOME": "/"}).settings
    check(
        StringIO("\n".join(lines)), out, settings=settings, limits=Limits(), now_ns=NOW, position=position,
        market=market, account=account, explain=True,
    )  # fmt: skip
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_sound_wish_is_allowed_and_sized() -> None:
    [answer] = asked(json.dumps(WISH))
    assert (answer["allow"], answer["reason"], answer["side"]) == (True, "ok", "buy")
    assert Decimal(answer["qty"]) * 42_000 <= Decimal("0.15") * 10_000


def test_without_a_market_it_is_refused_and_the_missing_inputs_are_named() -> None:
    [answer] = asked(json.dumps(WISH), market={})
    codes = {reason["code"] for reason in answer["reasons"]}
    assert (answer["allow"], answer["qty"]) == (False, "0")
    assert {"mark_missing", "sigma_missing", "volume_missing", "funding_missing"} <= codes


def test_a_losing_account_is_refused_by_its_drawdown() -> None:
    [answer] = asked(json.dumps(WISH), account={"equity": "9000", "high_water": "10000", "day_start": "9000"})
    assert "total_drawdown" in {reason["code"] for reason in answer["reasons"]}


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("{", "signal line 1"),
        ('{"symbol": NaN}', "signal line 1"),
        ("[]", "a JSON object is needed"),
        (json.dumps(WISH | {"stop_price": 41_500}), "stop_price"),
        (json.dumps(WISH | {"stop_price": "-1"}), "stop_price"),
        (json.dumps(WISH | {"leverage": 50}), "leverage"),
        (json.dumps(WISH | {"confidence": 2}), "confidence"),
        (json.dumps(WISH | {"surprise": 1}), "no argument of that name"),
        ("[" * 20_000, "signal line 1"),
        ("x" * 70_000, "longer than 65536"),
    ],
)
def test_hostile_input_is_named(line: str, names: str) -> None:
    with pytest.raises(InvalidArgument, match=names):
        asked(line)


def test_the_ladder_says_what_it_would_do_with_each_number() -> None:
    trades = "\n".join(
        json.dumps({"closed_at": f"2026-01-05T1{n}:00:00Z", "net_quote": "-5", "notional_quote": "1000"})
        for n in range(3)
    )
    told = json.loads(
        evaluated(StringIO(trades), StringIO('{"day": "2026-01-05", "equity": "10000"}'), level="L2", limits=Limits())
    )
    assert (told["change"]["before"], told["change"]["after"]) == ("L2", "L1")
    assert told["evidence"]["straight_losses"] == 3


def test_every_code_is_listed() -> None:
    assert [line.split()[0] for line in limits_lines(Limits(), codes=True)] == list(CODES)


def test_the_halt_file_is_a_reason_and_perhaps_a_close(tmp_path: Path) -> None:
    assert halt_text(tmp_path) is None
    write_halt(tmp_path, "a fire\nclose", close=False)
    assert halt_text(tmp_path) == "a fire close\n"


def test_the_doors_are_told_while_they_stand(tmp_path: Path) -> None:
    with standing_door(tmp_path, "127.0.0.1", 8000):
        assert door_url(tmp_path) == "http://127.0.0.1:8000"
    assert door_url(tmp_path) is None


def _left_by(home: Home, *kinds: tuple[str, dict[str, object]]) -> None:
    folder = home.new_run("up-7-abc")
    journal = JournalWriter(folder.journal_path)
    journal.use_clock(SimulatedClock(NOW))
    for kind, body in kinds:
        journal.append(kind, body, durable=True)
    journal.close()


def test_a_new_run_is_halted_where_the_last_one_was(tmp_path: Path) -> None:
    home = Home(tmp_path)
    _left_by(home, ("head", {}), ("halt", {"halted": True, "why": "fire"}))
    assert carry_halt(home, "up-") is not None
    assert "fire" in (halt_text(tmp_path) or "")


def test_a_new_run_is_free_where_the_last_one_was_resumed(tmp_path: Path) -> None:
    home = Home(tmp_path)
    _left_by(home, ("halt", {"halted": True, "why": "fire"}), ("halt", {"halted": False, "why": "out"}))
    assert carry_halt(home, "up-") is None
    assert halt_text(tmp_path) is None


def test_a_journal_that_cannot_be_read_halts_the_next_run(tmp_path: Path) -> None:
    home = Home(tmp_path)
    _left_by(home, ("head", {}), ("halt", {"halted": False, "why": "out"}), ("mark", {}))
    [journal] = tmp_path.glob("runs/*/journal/journal-*.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(lines[0] + b"{}\n" + lines[2])
    assert "cannot be read" in (carry_halt(home, "up-") or "")
