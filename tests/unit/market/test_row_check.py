"""Rows through the gate to the end of a file, with what is learnt later."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from chanflow.market.quality import CODE_BITS
from chanflow.market.row_check import RowCheck

START_MS = 1_767_571_200_000


def trades(ids: list[int], prices: list[float]) -> dict[str, NDArray[Any]]:
    """Return trades, 10 ms apart by their ids."""
    count = len(ids)
    return {
        "kind": np.zeros(count, dtype=np.uint8),
        "ts_ms": START_MS + 10 * np.array(ids, dtype=np.int64),
        "price": np.array(prices),
        "qty": np.ones(count),
        "side": np.ones(count, dtype=np.uint8),
        "seq_last": np.array(ids, dtype=np.int64),
    }


def checked(*batches: dict[str, NDArray[Any]]) -> RowCheck:
    check = RowCheck("binance-usdm", {"SIMUSDT": None})
    for batch in batches:
        check.push(batch)
    return check


def test_a_confirmed_jump_is_acquitted_even_in_the_next_batch() -> None:
    first, second = trades([1, 2], [100.0, 102.0]), trades([3], [102.0])
    assert checked(first).masks().tolist() == [0, CODE_BITS["price_jump"]]
    assert checked(first, second).masks().tolist() == [0, 0, 0]


def test_both_sides_of_a_break_are_condemned() -> None:
    check = checked(trades([1, 2], [100.0, 100.0]), trades([4, 5], [100.0, 100.0]))
    broken = CODE_BITS["chain_break"]
    assert check.masks().tolist() == [0, broken, broken, 0]
    assert check.report("f").codes["chain_break"].first == (2, 3)


def test_codes_that_the_reader_found_are_kept() -> None:
    check = RowCheck("binance-usdm", {"SIMUSDT": None})
    check.push(trades([1, 2], [100.0, 100.0]), np.array([4, 0], dtype=np.uint32))
    report = check.report("f", notes=("n",))
    assert (report.bad_rows, dict(report.codes)["bad_value"].first, report.notes) == (1, (1,), ("n",))


def test_no_rows_make_an_empty_report() -> None:
    report = checked().report("f")
    assert (report.rows, report.ok, report.days) == (0, True, ())


@pytest.mark.parametrize(
    ("venue", "grids", "says"),
    [
        ("mtgox", {"A": None}, "mtgox"),
        ("okx", {}, "0 instruments"),
        ("okx", {"A": ("0.1", "x")}, 'symbol "A": "x" is no number'),
        ("okx", {"A": ("-1", "1")}, 'symbol "A": tick is -1'),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(venue: str, grids: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        RowCheck(venue, grids)
