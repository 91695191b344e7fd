"""A whole run again: the same as it was under its own policy, and what differs under another."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from threading import Event

import pytest
from made_commands import HandDesk, trade
from made_signals import AT_MS, setup_line

from chanflow.domain.command import CancelCommand, CloseAllCommand
from chanflow.review.journal import Record, read_records
from chanflow.review.what_if import RunDiff
from chanflow.runtime.broker_run import BrokerRun
from chanflow.runtime.clock import SimulatedClock
from chanflow.runtime.fee_schedule import FeeSchedule
from chanflow.runtime.home import Home
from chanflow.runtime.rerun import compare_again
from chanflow.runtime.settings import load_settings
from chanflow.runtime.what_if import Policy, settings_of

pytestmark = pytest.mark.slow

GIVEN = [
    (200.3, trade(order_type="limit", price=Decimal("100.50"))),
    (240.1, trade("rests-001", order_type="limit", price=Decimal("99.40"))),
    (300.7, CancelCommand("rests-001")),
    (500, CloseAllCommand()),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> HandDesk:
    """A run with commands: one filled, one resting and cancelled, and all closed."""
    return HandDesk(tmp_path_factory.mktemp("run"), GIVEN, overrides=("risk.sizing.sigma_prior=1",)).run()


def again(run: HandDesk, records: list[Record] | None = None, **supposed: object) -> RunDiff:
    standing = run.records() if records is None else records
    settings = settings_of(standing[0])
    policy = Policy(settings, settings, **supposed)  # type: ignore[arg-type]
    return asyncio.run(compare_again(run.journal, standing, policy, data=None))


def test_the_same_policy_gives_the_same_run(run: HandDesk) -> None:
    diff = again(run)
    assert diff.before.orders >= 4
    assert diff.empty


def test_a_run_that_did_not_end_is_compared_with_its_own_end(run: HandDesk) -> None:
    assert again(run, run.records()[:-5]).empty


def test_a_level_that_opens_nothing_takes_every_order_away(run: HandDesk) -> None:
    diff = again(run, level="L0")
    assert (diff.after.orders, diff.new, diff.resized) == (0, (), ())
    assert len(diff.gone) == diff.before.orders
    assert diff.after.fees_quote == 0


def test_other_fees_are_charged(run: HandDesk) -> None:
    diff = again(run, fees=FeeSchedule(Decimal(0), Decimal(0)))
    assert diff.before.fees_quote > diff.after.fees_quote == 0
    assert diff.after.equity_quote > diff.before.equity_quote


def test_the_work_is_told_from_nothing_to_all(run: HandDesk) -> None:
    shares: list[float] = []
    settings = settings_of(run.records()[0])
    asyncio.run(
        compare_again(run.journal, run.records(), Policy(settings, settings), data=None, on_share=shares.append)
    )
    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.2
    assert shares[-1] >= 1


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The journal of a broker that traded three signals."""
    base = tmp_path_factory.mktemp("broker")
    (base / "signals").mkdir()
    lines = (setup_line(0), setup_line(1, price="50300", stop="49900"), setup_line(2, price="49400", stop="49000"))
    (base / "signals" / "signals_r1.jsonl").write_bytes(b"".join(lines))
    settings = load_settings(config=None, overrides=["risk.sizing.sigma_prior=1"], environ={"HOME": "/"}).settings
    later = SimulatedClock((AT_MS + 10**9) * 1_000_000)
    broker = BrokerRun(settings, Home(base / "home"), base / "signals", venue=None, clock=later)
    broker.run(once=True, poll_s=0.1, stop=Event())
    folder = Home(base / "home").newest_run()
    assert folder is not None
    return folder.journal_path


def traded_again(path: Path, **supposed: object) -> RunDiff:
    records = list(read_records(path))
    settings = settings_of(records[0])
    return asyncio.run(compare_again(path, records, Policy(settings, settings, **supposed), data=None))  # type: ignore[arg-type]


def test_a_broker_trades_its_signals_again(traded: Path) -> None:
    diff = traded_again(traded)
    assert diff.before.orders > 0
    assert diff.empty


def test_a_broker_pays_other_fees(traded: Path) -> None:
    diff = traded_again(traded, fees=FeeSchedule(Decimal(0), Decimal(0)))
    assert diff.before.fees_quote > diff.after.fees_quote == 0


def test_a_broker_at_another_level_opens_nothing(traded: Path) -> None:
    assert traded_again(traded, level="L0").after.orders == 0
