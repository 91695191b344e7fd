from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from made_cases import DAY, HOUR, T0, made_decision, made_state, made_trade

from chanflow.adapters.storage.short_term import SqliteShortTerm
from chanflow.domain.errors import StorageUnwritable
from chanflow.domain.memory import Case, Outcome

NOW = T0 + DAY


def opened(path: Path) -> SqliteShortTerm:
    return SqliteShortTerm(path / "short_term.db")


def case(name: str, at_ns: int, **more: object) -> Case:
    return Case(made_decision(name, at_ns=at_ns, **more), made_state(1))  # type: ignore[arg-type]


def outcome(name: str, closed_ns: int) -> Outcome:
    return Outcome(decision_id=name, closed_ns=closed_ns, pnl_quote=Decimal(5), r_multiple=0.5)


def ids(short: SqliteShortTerm, as_of_ns: int = NOW, limit: int = 10, strategy: str | None = None) -> list[str]:
    return [d.decision_id for d in short.recent(as_of_ns, limit, strategy)]


def test_the_newest_decisions_come_first_and_survive_a_restart(tmp_path: Path) -> None:
    short = opened(tmp_path)
    for i in range(15):
        short.remember(case(f"d{i:02}", T0 + i))
    assert ids(short) == [f"d{i:02}" for i in range(14, 4, -1)]
    short.close()
    assert ids(opened(tmp_path)) == [f"d{i:02}" for i in range(14, 4, -1)]


def test_only_decisions_before_the_moment_are_told(tmp_path: Path) -> None:
    short = opened(tmp_path)
    short.remember(case("a", T0))
    short.remember(case("b", T0 + 1))
    assert (ids(short, T0), ids(short, T0 + 1), ids(short, T0 + 2)) == ([], ["a"], ["b", "a"])


def test_an_outcome_is_told_only_after_it_was_known(tmp_path: Path) -> None:
    short = opened(tmp_path)
    short.remember(case("a", T0))
    assert short.settle(outcome("a", T0 + HOUR)) is not None
    results = [short.recent(at, 1, None)[0].result for at in (T0 + HOUR, T0 + HOUR + 1)]
    assert results == ["pending", "success"]


def test_at_most_a_hundred_are_recent(tmp_path: Path) -> None:
    short = opened(tmp_path)
    for i in range(350):
        short.remember(case(f"d{i:03}", T0 + i))
    assert ids(short, limit=1_000) == [f"d{i:03}" for i in range(349, 249, -1)]


def test_a_decision_lives_thirty_days(tmp_path: Path) -> None:
    short = opened(tmp_path)
    short.remember(case("a", T0))
    assert short.decision("a", T0 + 30 * DAY) is not None
    assert short.decision("a", T0 + 30 * DAY + 1) is None
    assert ids(short, T0 + 30 * DAY + 1) == []
    assert short.decision("b", T0) is None


def test_what_has_ended_is_let_go_but_not_before_its_vector_is_stored(tmp_path: Path) -> None:
    short = opened(tmp_path)
    short.remember(case("a", T0))
    short.remember(case("b", T0))
    short.stored(["a"])
    short.purge(T0 + 40 * DAY)
    assert (short.decision("a", T0), [c.decision.decision_id for c in short.unstored(NOW, 10)]) == (None, ["b"])


def test_decisions_wait_for_their_vector_oldest_first(tmp_path: Path) -> None:
    short = opened(tmp_path)
    for name, at in (("c", T0 + 3), ("a", T0 + 1), ("b", T0 + 2), ("later", T0 + 9)):
        short.remember(case(name, at))
    waiting = short.unstored(T0 + 3, 2)
    assert [c.decision.decision_id for c in waiting] == ["a", "b"]
    assert waiting[0].state == made_state(1)
    short.stored(["a", "b"])
    assert [c.decision.decision_id for c in short.unstored(T0 + 3, 2)] == ["c"]


def test_the_same_decision_again_keeps_the_outcome_it_has(tmp_path: Path) -> None:
    short = opened(tmp_path)
    short.remember(case("a", T0))
    short.settle(outcome("a", T0 + 5))
    short.remember(case("a", T0, fate="approved"))
    found = short.decision("a", T0)
    assert found is not None
    assert (found.fate, found.outcome, len(ids(short))) == ("approved", outcome("a", T0 + 5), 1)


def test_an_outcome_of_what_is_not_kept_is_nothing(tmp_path: Path) -> None:
    assert opened(tmp_path).settle(outcome("gone", T0)) is None


def test_a_strategy_sees_its_own_decisions(tmp_path: Path) -> None:
    short = opened(tmp_path)
    short.remember(case("a", T0, strategy="one"))
    short.remember(case("b", T0, strategy="two"))
    assert (ids(short, strategy="one"), ids(short)) == (["a"], ["b", "a"])


def test_trades_are_kept_by_day_for_48_hours(tmp_path: Path) -> None:
    short = opened(tmp_path)
    late, early = made_trade("late", closed_ns=T0 + 20 * HOUR), made_trade("early", closed_ns=T0 + HOUR)
    other = made_trade("other", closed_ns=T0 + 25 * HOUR)
    for trade in (late, early, other, replace(early, exit_leg="stop")):
        short.add_trade(trade)
    assert short.trades("2026-01-05", T0 + 26 * HOUR) == (replace(early, exit_leg="stop"), late)
    assert short.trades("2026-01-05", T0 + 50 * HOUR) == (late,)
    short.purge(T0 + 80 * HOUR)
    assert short.trades("2026-01-06", T0 + 26 * HOUR) == ()


def test_an_entry_ends_at_its_moment(tmp_path: Path) -> None:
    short = opened(tmp_path)
    short.put("account:main", {"equity": "100"}, T0 + 10)
    assert (short.get("account:main", T0 + 9), short.get("account:main", T0 + 10)) == ({"equity": "100"}, None)


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "short_term.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(StorageUnwritable, match="chanflow memory rebuild"):
        opened(tmp_path)


def test_a_row_that_was_altered_is_told(tmp_path: Path) -> None:
    short = opened(tmp_path)
    short.remember(case("a", T0))
    short._db.execute("UPDATE decision SET body = '{}'")
    with pytest.raises(StorageUnwritable, match="decision in memory cannot be read"):
        short.decision("a", T0)
