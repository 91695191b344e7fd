"""A running desk's memory: told of what the journal says, asked before a decision, and never what stops a desk."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from made_model import ModelDesk, ScriptedMind, long_at_market
from made_setup import briefing

from chanflow.analyst.sections import Memory as Section
from chanflow.domain.alert import Alert
from chanflow.domain.errors import StorageUnwritable
from chanflow.domain.lesson import LearningSummary
from chanflow.domain.market_state import MarketState
from chanflow.domain.memory import ClosedTrade, Decision, Recall, Recalled
from chanflow.market.synthetic import START_NS
from chanflow.review.decision import cards, lines_of
from chanflow.runtime.clock import SimulatedClock
from chanflow.runtime.deliberation import Wake
from chanflow.runtime.desk_memory import DeskMemory, alert_of_review, desk_memory
from chanflow.runtime.home import Home
from chanflow.runtime.memory_desk import open_memory
from chanflow.runtime.model_parts import ModelParts


class Kept:
    """A memory of lists."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.full = False
        self.decisions: dict[str, Decision] = {}
        self.trades: list[Any] = []
        self.asked: list[Recall] = []
        self.fault = fault

    async def look_up(self, recall: Recall) -> Recalled:
        self.asked.append(recall)
        if self.fault is not None:
            raise self.fault
        assert recall.as_of_ns is not None
        known = [d for d in self.decisions.values() if d.at_ns <= recall.as_of_ns]
        return Recalled(as_of_ns=recall.as_of_ns, recent=tuple(reversed(known)))

    async def remember(self, decision: Decision, state: Any) -> None:
        if self.full:
            raise StorageUnwritable("the disk is full")
        self.decisions[decision.decision_id] = decision

    async def closed(self, trade: Any) -> None:
        self.trades.append(trade)


def desk_of(tmp_path: Path, kept: Kept, duration_s: int = 1_800) -> ModelDesk:
    memory = DeskMemory(kept)  # type: ignore[arg-type]

    class Remembering(ModelDesk):
        def parts(self, settings: Any, symbol: str) -> ModelParts:
            return ModelParts(self.analyst, self.mind, remember=memory.remember, follow=memory.take)

    script = ScriptedMind(lambda _: {"action": "abstain"}, latency_ms=10)
    return Remembering(tmp_path, script, duration_s=duration_s)


def test_each_decision_is_remembered_before_the_next(tmp_path: Path) -> None:
    kept = Kept()
    desk = desk_of(tmp_path, kept).run()
    told = [len(r.body["memory"]["decisions"]) for r in desk.records("memory_used")]
    assert told == list(range(len(told)))
    assert len(told) >= 2
    assert {d.fate for d in kept.decisions.values()} == {"abstained"}


def test_a_replay_takes_memory_from_the_journal_and_asks_none(tmp_path: Path) -> None:
    kept = Kept()
    desk = desk_of(tmp_path, kept).run()
    asked = len(kept.asked)
    assert desk.replayed().records == len(desk.records())
    assert len(kept.asked) == asked


async def test_a_memory_that_fails_is_named_and_stops_nothing() -> None:
    memory = DeskMemory(Kept(StorageUnwritable("the disk is full")))  # type: ignore[arg-type]
    told = await memory.remember(Wake("d1", 1, "SIMUSDT", "manual"), briefing(), None)
    assert told.missing == ("memory did not answer: the disk is full",)


def proposed(decision_id: str) -> dict[str, Any]:
    return {
        "decision_id": decision_id, "symbol": "SIMUSDT", "level": "5s", "action": "abstain", "setup": "other",
        "confidence": None, "leverage": 1, "position_id": None, "strategy": "default", "analyst": "llm",
        "abstain_reason": "no_setup", "evidence": [],
    }  # fmt: skip


async def test_what_cannot_be_written_is_kept_for_the_next_time() -> None:
    kept = Kept()
    memory = DeskMemory(kept)  # type: ignore[arg-type]
    kept.full = True
    for name in ("d1", "d2"):
        memory.take("trade_proposal", "2026-01-05T00:00:00.000000000Z", name, proposed(name))
    told = await memory.remember(Wake("d3", 1, "SIMUSDT", "manual"), briefing(), None)
    assert told.missing == ("memory did not answer: the disk is full",)
    kept.full = False
    await memory.write_down()
    assert sorted(kept.decisions) == ["d1", "d2"]


# ── the market of a decision ──────────────────────────────────────────────────


def test_each_decision_is_asked_with_its_market_once_enough_is_known(tmp_path: Path) -> None:
    kept = Kept()
    desk = desk_of(tmp_path, kept, duration_s=3_600).run()
    stored = {r.body["decision_id"]: r.body["figures"] for r in desk.records("market_state")}
    left_out = {r.body["decision_id"]: r.body["missing"] for r in desk.records("market_state_left_out")}
    assert {r.body["decision_id"] for r in desk.records("decision_started")} == {*stored, *left_out}
    assert all(missing > 12 for missing in left_out.values())
    assert all(len(figures) >= 36 for figures in stored.values())
    asked = {recall.decision_id: recall.state for recall in kept.asked}
    assert any(state is not None for state in asked.values())
    for name, state in asked.items():
        assert (state is None) == (name in left_out)
        assert state is None or state.known() == stored[name]


def test_the_market_is_journaled_before_memory_is_asked(tmp_path: Path) -> None:
    desk = desk_of(tmp_path, Kept()).run()
    for used in desk.records("memory_used"):
        kinds = [r.kind for r in desk.records() if r.correlation_id == used.body["decision_id"]]
        seen = next(at for at, kind in enumerate(kinds) if kind.startswith("market_state"))
        assert seen < kinds.index("memory_used") < kinds.index("trade_proposal")


LATER = 1_800_000_000 * 10**9


class Day(ModelDesk):
    """A played day with a memory on disk."""

    memory: DeskMemory

    def parts(self, settings: Any, symbol: str) -> ModelParts:
        return ModelParts(self.analyst, self.mind, remember=self.memory.remember, follow=self.memory.take)

    async def live(self, home: Home) -> None:
        async with desk_memory(home, SimulatedClock(LATER), played=True) as self.memory:
            await self._run()


async def test_a_later_day_is_shown_the_cases_of_an_earlier_one(tmp_path: Path) -> None:
    home, days = Home(tmp_path / "home"), []
    home.prepare()
    for name, seed in (("one", 7), ("two", 8)):
        (tmp_path / name).mkdir()
        mind = ScriptedMind(lambda _: {"action": "abstain"}, latency_ms=10)
        day = Day(tmp_path / name, mind, seed=seed, duration_s=3_600)
        await day.live(home)
        days.append(day)
        seen = day.records("market_state")[0].body["decision_id"]
        async with open_memory(home, SimulatedClock(LATER), deadline_s=None) as memory:
            assert memory.cases.count() >= len(day.records("market_state"))
            await memory.closed(ended(seen))
    told = [r.body["memory"] for r in days[1].records("memory_used")]
    assert all(m["missing"] == [] for m in told)
    cases = [case["ref"] for m in told for case in m["similar"]]
    assert set(cases) == {f"case#{days[0].records('market_state')[0].body['decision_id']}"}


def ended(decision_id: str) -> ClosedTrade:
    """A trade that a decision opened and that won 1.5 R half an hour into the day."""
    at_ns = START_NS + 1_800 * 10**9
    return ClosedTrade(
        position_id=f"p-{decision_id}", decision_id=decision_id, symbol="SIMUSDT", side="long", opened_ns=at_ns - 1,
        closed_ns=at_ns, gross_quote=Decimal(16), fees_quote=Decimal(1), net_quote=Decimal(15), risk_quote=Decimal(10),
    )  # fmt: skip


async def test_a_memory_that_cannot_be_opened_is_one_that_does_not_answer(tmp_path: Path) -> None:
    home, notes = Home(tmp_path), []
    home.prepare()
    home.memory_dir.write_text("a file stands where the folder belongs")
    async with desk_memory(home, SimulatedClock(1), on_note=notes.append) as memory:
        told = await memory.remember(Wake("d1", 1, "SIMUSDT", "manual"), briefing(), MarketState())
    assert told.missing[0].startswith("memory cannot be opened: ")
    assert notes


def test_a_review_is_told_by_its_period() -> None:
    summary = LearningSummary(
        period="2026-01-05", made_ns=7, n=3, text="3 decisions.", lesson_ids=(), stats={}, prompt_hash=""
    )  # fmt: skip
    told = alert_of_review(summary)
    assert told == Alert("info", "Review of 2026-01-05: 3 decisions", "3 decisions.", "review:2026-01-05", 7, "review")


# ── memory down ───────────────────────────────────────────────────────────────


class Opening(ModelDesk):
    """A desk whose mind goes long, and whose memory tells what it is given."""

    told: Section | None = None
    halves = True

    def parts(self, settings: Any, symbol: str) -> ModelParts:
        async def remember(*_: Any) -> Section | None:
            return self.told

        return ModelParts(self.analyst, self.mind, remember=remember, memory_down_halves=self.halves)


def opened(tmp_path: Path, missing: tuple[str, ...], *, halves: bool = True) -> tuple[Decimal, ModelDesk]:
    """Return the quantity of the first approval, and the desk."""
    desk = Opening(tmp_path, ScriptedMind(long_at_market), duration_s=900)
    desk.told, desk.halves = Section(missing=missing), halves
    desk.run()
    return Decimal(desk.records("approved_order")[0].body["terms"]["qty_base"]), desk


def test_without_a_layer_of_memory_the_size_is_halved_and_it_is_recorded(tmp_path: Path) -> None:
    for name in ("whole", "down", "kept"):
        (tmp_path / name).mkdir()
    missing = ("similar cases: no answer within 100 ms",)
    whole, _ = opened(tmp_path / "whole", ())
    half, desk = opened(tmp_path / "down", missing)
    kept, _ = opened(tmp_path / "kept", missing, halves=False)
    assert kept == whole
    assert abs(half - whole / 2) <= Decimal("0.001")
    [first, *_] = desk.records("approved_order")
    assert first.body["clips"][0] == "size times 0.5: the decision was taken without all of its memory"
    [card] = cards(desk.records(), [first.correlation_id])
    words = list(lines_of(card))
    assert any(words_ == "  size times 0.5: a layer of memory did not answer" for words_ in words)
    assert any("similar cases: no answer within 100 ms" in words_ for words_ in words)
    assert desk.replayed().records == len(desk.records())


def test_a_market_that_is_compared_with_none_halves_nothing(tmp_path: Path) -> None:
    desk = Opening(tmp_path, ScriptedMind(long_at_market), duration_s=900)
    desk.told = Section(not_compared="the desk saw too little of its market")
    desk.run()
    assert {p["size_share"] for p in desk.proposals()} == {"1"}
