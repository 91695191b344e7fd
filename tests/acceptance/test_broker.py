"""`chanflow broker --mock 1` as a person starts it: one order a signal, over restarts and kills too."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from commands import CHANFLOW, chanflow, environment, journals
from made_features import lines, row
from made_signals import line, setup_line

pytestmark = [pytest.mark.slow]


class Place:
    """A working folder with the earlier service's layout."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.signals = folder / "runtime" / "ready" / "signal"
        self.output = folder / "runtime" / "mock_orders.jsonl"
        self.signals.mkdir(parents=True)

    def run(self, *more: str) -> subprocess.CompletedProcess[str]:
        return chanflow(self.home, "broker", "--mock", "1", "--once", *more)

    def start(self, *more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*CHANFLOW, "broker", "--mock", "1", *more], env=environment(self.home), cwd=self.home.parent, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def orders(self) -> list[dict[str, Any]]:
        return [json.loads(each) for each in self.output.read_bytes().splitlines()]

    def until(self, count: int) -> None:
        while not self.output.exists() or len(self.output.read_bytes().splitlines()) < count:
            time.sleep(0.02)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def fill(place: Place, name: str, first: int, last: int) -> None:
    kinds = ("buy", "strong_sell", "sell", "strong_buy")
    with (place.signals / f"signals_{name}.jsonl").open("ab") as file:
        file.writelines(line(n, kinds[n % 4], confirm=n % 5 > 0) for n in range(first, last))


def test_strong_ones_always_normal_ones_by_the_rate_and_none_unconfirmed(place: Place) -> None:
    fill(place, "r1", 0, 1_000)
    done = place.run()
    assert done.returncode == 0, done.stderr
    orders = place.orders()
    assert [order["strength"] for order in orders].count("STRONG") == 400
    assert 40 < [order["strength"] for order in orders].count("NORMAL") < 120
    assert [order["order_id"] for order in orders] == [f"MOCK_{n:06d}" for n in range(1, len(orders) + 1)]
    assert all(order["status"] == "FILLED" for order in orders)
    assert f"orders={len(orders)} " in done.stderr


def test_again_and_in_another_order_it_takes_the_same(place: Place, tmp_path: Path) -> None:
    fill(place, "r1", 0, 400)
    place.run()
    other = Place(tmp_path / "other")
    for first in (300, 0, 200, 100):
        fill(other, f"z{9 - first // 100}", first, first + 100)
    other.run()
    assert {o["signal_ts_ms"] for o in other.orders()} == {o["signal_ts_ms"] for o in place.orders()}
    before = place.output.read_bytes()
    assert place.run().returncode == 0
    assert place.output.read_bytes() == before


@pytest.mark.parametrize("flag", ["--sample_rate", "--sample-rate"])
def test_both_spellings_of_the_rate_are_taken(place: Place, flag: str) -> None:
    fill(place, "r1", 0, 100)
    assert place.run(flag, "1.0").returncode == 0
    assert len(place.orders()) == 80


def test_a_signal_that_stands_in_two_files_is_ordered_once(place: Place) -> None:
    fill(place, "r1", 0, 100)
    fill(place, "r1-copy", 0, 100)
    done = place.run("--sample_rate", "1")
    assert len(place.orders()) == 80
    assert "repeated=80" in done.stderr


def test_what_the_signal_service_decides_is_filled_where_the_market_stood(place: Place) -> None:
    features = place.home.parent / "features.jsonl"
    rows = [row(at, mid=100 + at / 100) for at in range(0, 300, 40)]
    features.write_text(lines(rows))
    out = ("--out", str(place.signals), "--run-id", "r1")
    signalled = chanflow(place.home, "signal", "--input", str(features), *out)
    assert signalled.returncode == 0, signalled.stderr
    assert place.run("--signal-dir", "runtime/ready/signal", "--output", "runtime/mock_orders.jsonl").returncode == 0
    orders, mids = place.orders(), {each["ts_ms"]: each["mid"] for each in rows}
    assert len(orders) == int(signalled.stderr.rpartition("confirmed=")[2].split()[0]) > 2
    assert all(order["filled_price"] == mids[order["signal_ts_ms"]] for order in orders)
    assert {(order["side"], order["strength"]) for order in orders} == {("BUY", "STRONG")}


def test_without_mock_it_goes_through_analyst_and_gate_and_its_journal_replays(place: Place) -> None:
    (place.signals / "signals_r1.jsonl").write_bytes(setup_line(0) + setup_line(1, price="50100") + b"junk\n")
    paper = ("broker", "--once", "--set", "risk.sizing.sigma_prior=1")
    done = chanflow(place.home, *paper)
    assert done.returncode == 0, done.stderr
    assert "signals=2 expired=0 abstained=1 refused=0 orders=1 fills=1" in done.stderr.splitlines()[-1]
    assert not place.output.exists()
    [journal] = journals(place.home)
    before = journal.read_bytes()
    assert chanflow(place.home, *paper).returncode == 0
    assert journal.read_bytes() == before
    assert chanflow(place.home, "replay", str(journal)).returncode == 0
    account = json.loads(chanflow(place.home, "call", "get_position").stdout)
    assert [position["protected"] for position in account["positions"]] == [True]


def test_a_venue_that_nobody_knows_is_refused(place: Place) -> None:
    done = chanflow(place.home, "broker", "--once", "--venue", "live")
    assert done.returncode == 2
    assert "venue is 'live': this version can reach paper, binance, okx, hyperliquid" in done.stderr


def test_a_real_venue_takes_keys_even_for_test_money(place: Place) -> None:
    done = chanflow(place.home, "broker", "--once", "--venue", "binance")
    assert done.returncode == 2
    assert "nothing opens the keys of binance" in done.stderr


def test_real_money_is_refused_in_one_sentence(place: Place) -> None:
    venue = "execution.venue"
    live = ["--set", f"{venue}.environment=live", "--set", f"{venue}.real_money=true"]
    done = chanflow(place.home, "broker", "--once", "--venue", "binance", *live)
    assert done.returncode == 2
    assert "this version trades test money alone" in done.stderr


def test_hostile_lines_are_counted_and_named(place: Place) -> None:
    (place.signals / "signals_r1.jsonl").write_bytes(
        b"garbage\n" + line(1, price=None) + b"[]\n" + b"x" * 2_000_000 + b"\n" + line(2, "neutral") + line(3)
    )
    done = place.run("--sample_rate", "1")
    assert done.returncode == 0
    assert [order["signal_ts_ms"] % 10 for order in place.orders()] == [3]
    for words in ("line 1 is no JSON", "line 2 has no price", "line 3 is no JSON object", "line 4 has over",
                  "line 5 is confirmed, but neutral", "passed_over=5"):  # fmt: skip
        assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_folder_is_said_at_once(tmp_path: Path) -> None:
    done = chanflow(tmp_path / "home", "broker", "--mock", "1")
    assert done.returncode == 2
    assert "chanflow signal --out runtime/ready/signal" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "runtime").exists()


@pytest.mark.parametrize("rate", ["1.1", "-0.1", "nan"])
def test_a_rate_out_of_bounds_is_refused(place: Place, rate: str) -> None:
    done = place.run("--sample_rate", rate)
    assert done.returncode == 2
    assert "allowed is 0 to 1" in done.stderr


def test_it_follows_a_file_that_grows_and_leaves_in_order(place: Place) -> None:
    broker = place.start("--sample_rate", "1")
    fill(place, "r1", 1, 5)
    place.until(4)
    fill(place, "r2", 6, 10)
    place.until(8)
    broker.send_signal(signal.SIGINT)
    out, err = broker.communicate(timeout=300)
    assert broker.returncode == 0, err
    assert out == ""
    assert "orders=8 " in err.splitlines()[-1]


@pytest.mark.crash
def test_killed_again_and_again_it_writes_what_it_would_have_written(place: Place, tmp_path: Path) -> None:
    whole = Place(tmp_path / "whole")
    fill(whole, "r1", 0, 2_500)
    whole.run()
    fill(place, "r1", 0, 2_500)
    size = len(whole.output.read_bytes())
    for share in (0, 3, 7):
        broker = place.start()
        while broker.poll() is None:
            if place.output.exists() and place.output.stat().st_size >= size * share // 10:
                broker.kill()
                break
        broker.communicate()
    assert place.run().returncode == 0
    assert place.output.read_bytes() == whole.output.read_bytes()
