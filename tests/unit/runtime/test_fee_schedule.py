"""A schedule of fees in a file: two shares, bounded and exact."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_desk import SIM, D

from chanflow.domain.errors import ChanflowError
from chanflow.market.synthetic import SyntheticSource
from chanflow.runtime.fee_schedule import FeeSchedule, Repriced, read_fees


def test_both_shares_are_read(tmp_path: Path) -> None:
    path = tmp_path / "fees.yaml"
    path.write_text('maker: "-0.0001"\ntaker: "0.0004"\n')
    assert read_fees(path) == FeeSchedule(D("-0.0001"), D("0.0004"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('maker: "0.0001"', "must hold two lines"),
        ('maker: 0.0001\ntaker: "0"', "write it as text"),
        ('maker: "much"\ntaker: "0"', "is no number"),
        ('maker: "0"\ntaker: "0.02"', "taker fee is 0.02, allowed is 0 to 0.01"),
        ('maker: "-0.01"\ntaker: "0"', "maker fee is -0.01, allowed is -0.001 to 0.01"),
        ('maker: "NaN"\ntaker: "0"', "maker fee is NaN"),
        ("{", "is no YAML"),
    ],
)  # fmt: skip
def test_any_other_file_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "fees.yaml"
    path.write_text(text)
    with pytest.raises(ChanflowError, match=words):
        read_fees(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ChanflowError, match="cannot be read: no such file"):
        read_fees(tmp_path / "none.yaml")


def test_only_the_fees_of_an_instrument_change() -> None:
    dearer = FeeSchedule(D("0.001"), D("0.002")).on(SIM)
    assert (dearer.maker_fee_frac, dearer.taker_fee_frac, dearer.tick) == (D("0.001"), D("0.002"), SIM.tick)


def test_a_repriced_market_has_the_same_events() -> None:
    plain, dearer = (
        SyntheticSource(3, duration_s=60),
        Repriced(SyntheticSource(3, duration_s=60), FeeSchedule(D(0), D(0))),
    )
    assert dearer.describe() == plain.describe()
    assert len(dearer.next(dearer.end_ns)) == len(plain.next(plain.end_ns)) > 0
    assert (dearer.exhausted, dearer.instrument.taker_fee_frac) == (True, 0)
