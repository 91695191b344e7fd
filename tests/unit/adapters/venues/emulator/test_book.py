"""The displayed book: its levels, its ids, its diffs."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chanflow.adapters.venues.emulator.book import ASK, BID, Book, Diff

CHANGES = st.lists(
    st.tuples(st.sampled_from([BID, ASK]), st.integers(95, 105), st.integers(0, 5), st.sampled_from([0, 1, 2, 3])),
    max_size=60,
)


def test_levels_come_best_first() -> None:
    book = Book((100,))
    for price in (99, 97, 98):
        book.set_level(BID, price, price)
    for price in (103, 101, 102):
        book.set_level(ASK, price, price)
    assert book.top(BID, 2) == ((99, 99), (98, 98))
    assert book.top(ASK, 2) == ((101, 101), (102, 102))


def test_what_a_level_crosses_is_gone() -> None:
    book = Book((100,))
    book.set_level(ASK, 101, 1)
    book.set_level(ASK, 102, 1)
    book.set_level(BID, 101, 1)
    assert book.top(ASK, 5) == ((102, 1),)


def test_a_feed_of_best_quotes_has_one_level_a_side() -> None:
    book = Book((100,))
    book.set_best(BID, 99, 1)
    book.set_best(BID, 98, 2)
    assert book.top(BID, 5) == ((98, 2),)


def test_a_diff_has_absolute_quantities_and_zero_for_what_is_gone() -> None:
    book = Book((100,))
    book.set_level(BID, 99, 5)
    book.diff(100)
    book.set_level(BID, 98, 3)
    book.set_level(BID, 99, 0)
    told = book.diff(100)
    assert told is not None
    assert (told.bids, told.asks) == (((98, 3), (99, 0)), ())


def test_nothing_changed_is_no_diff() -> None:
    book = Book((100,))
    book.set_level(BID, 99, 5)
    book.diff(100)
    book.set_level(BID, 99, 5)
    assert book.diff(100) is None


def test_eaten_lots_leave_until_the_level_is_told_anew() -> None:
    book = Book((100,))
    book.set_level(ASK, 101, 5)
    book.eat(ASK, 101, 3)
    assert book.best(ASK) == (101, 2)
    book.set_level(ASK, 101, 5)
    assert book.best(ASK) == (101, 5)


@given(CHANGES)
def test_a_book_rebuilt_from_any_snapshot_and_its_diffs_is_the_book(
    changes: list[tuple[int, int, int, int]],
) -> None:
    """The reader of the documentation: a snapshot, then diffs from the one with `U <= lastUpdateId <= u`."""
    book = Book((100, 250))
    told: list[Diff] = []
    snapshots: list[tuple[int, dict[tuple[int, int], int]]] = []
    for side, price, qty, after in changes:
        book.set_level(side, price, qty)
        if after in {1, 3}:
            told += [one for one in (book.diff(100),) if one is not None]
        if after == 2:
            book.diff(250)
        if after == 3:
            whole = {(s, p): q for s in (BID, ASK) for p, q in book.top(s, 50)}
            snapshots.append((book.update_id, whole))
    book.set_level(BID, 50, 1 if book.qty(BID, 50) == 0 else 2)
    told += [one for one in (book.diff(100),) if one is not None]
    assert all(one.prev_id == before.final_id for before, one in pairwise(told))
    last = {(s, p): q for s in (BID, ASK) for p, q in book.top(s, 50)}
    for last_id, levels in snapshots:
        after = [one for one in told if one.final_id >= last_id]
        assert after[0].first_id <= last_id <= after[0].final_id
        rebuilt = dict(levels)
        for diff in after:
            for side, changed in ((BID, diff.bids), (ASK, diff.asks)):
                rebuilt.update({(side, price): qty for price, qty in changed})
        assert {key: qty for key, qty in rebuilt.items() if qty} == last


def test_changes_that_every_stream_has_told_are_forgotten() -> None:
    book = Book((100, 250))
    for price in range(1, 1000):
        book.set_level(BID, price, 1)
        book.diff(100)
        book.diff(250)
    assert book.sizes["log"] == 0
