"""What certificates measured is an input of a run: known before it began, journaled, and met again in a replay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from made_certificate import cell, certificate, entries

from chanflow.analyst.structure import PointFigures
from chanflow.domain.time import NS_PER_MS
from chanflow.review.decision import cards, lines_of
from chanflow.review.journal import JournalWriter, Record, read_records
from chanflow.runtime.certificates import CertificateShelf, install
from chanflow.runtime.clock import SimulatedClock
from chanflow.runtime.home import Home
from chanflow.runtime.point_measures import measure_by, measures_of_run, nothing_measured

END_NS = (1_704_127_140_000 + 60_000) * NS_PER_MS


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    cells = (cell("2", "buy", sure=entries(212, 0.54)), cell("1", "sell", sure=entries(0, None)))
    install(made, json.dumps(certificate(*cells)), "default")
    return made


def taken(path: Path, home: Home | None, start_ns: int, *, standing: list[Record] | None = None) -> Any:
    journal = JournalWriter(path, standing=standing or [])
    journal.use_clock(SimulatedClock(END_NS))
    measure = nothing_measured if home is None else measure_by(CertificateShelf(home))
    try:
        return measures_of_run(journal, measure, "SIMUSDT", ["1m", "5m"], start_ns)
    finally:
        journal.close()


def test_the_newest_certificate_tells_each_kind_of_point(home: Home, tmp_path: Path) -> None:
    found = taken(tmp_path / "j.jsonl", home, END_NS)
    assert list(found) == ["1m"]
    buy2, sell1 = found["1m"]
    assert buy2 == PointFigures("buy2", 212, 0.54, 0.35, 0.65, 0.88, 57, END_NS)
    assert (sell1.name, sell1.n, sell1.hit_rate) == ("sell1", 0, None)
    [record] = read_records(tmp_path / "j.jsonl")
    assert record.kind == "point_figures"


def test_what_was_measured_after_the_run_began_is_not_known(home: Home, tmp_path: Path) -> None:
    assert taken(tmp_path / "j.jsonl", home, END_NS - 1) == {}
    assert list(read_records(tmp_path / "j.jsonl")) == []


def test_a_run_that_is_gone_on_with_takes_its_journal_and_no_other_certificate(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    first = taken(path, home, END_NS)
    install(home, json.dumps(certificate(cell("2", "buy", sure=entries(999, 0.1)))), "default")
    standing = list(read_records(path))
    assert taken(path, home, END_NS, standing=standing) == first
    assert taken(path, None, END_NS, standing=standing) == first


def record(kind: str, body: Any, decision: str = "") -> Record:
    return Record(0, "2026-01-05T00:00:00.000000000Z", kind, decision, body, "", "")


@pytest.mark.parametrize(
    ("ref", "words"),
    [
        ("point:buy2@1m#7", "point:buy2@1m hit rate 54.0% of 212 entries (48.0% to 60.0%)"),
        ("point:buy3@1m#7", "point:buy3@1m not measured"),
        ("center#1", "not measured"),
    ],
)
def test_a_card_says_the_measured_hit_rate_with_its_number_or_that_there_is_none(ref: str, words: str) -> None:
    figures = {"name": "buy2", "n": 212, "hit_rate": 0.54, "ci_low": 0.48, "ci_high": 0.6}
    proposal = {
        "action": "open_long", "abstain_reason": None, "symbol": "SIMUSDT", "analyst": "rules", "entry_price": None,
        "stop_price": "99", "take_profit_price": "102", "leverage": 1, "setup": "buy2_flow", "confidence": 0.75,
        "reasoning": "", "evidence": [{"ref": ref, "claim": "second_buy", "direction": "for"}],
        "counter_evidence": [],
    }  # fmt: skip
    told = [record("point_figures", {"levels": {"1m": [figures]}}), record("trade_proposal", proposal, "d1")]
    [card] = cards(told, ["d1"])
    assert f"  certificates: {words}" in list(lines_of(card))
