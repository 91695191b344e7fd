"""What `chanflow memory`, `chanflow lessons` and `chanflow review` do. Only `rebuild` touches a desk's vectors."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import typer

from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.knowledge import SqlKnowledge
from chanflow.adapters.vectors.exact import ExactCases
from chanflow.domain.errors import InvalidArgument, NotFound
from chanflow.domain.lesson import Lesson
from chanflow.domain.memory import Case, SimilarCases
from chanflow.domain.time import NS_PER_DAY, parse_rfc3339, rfc3339, utc_date
from chanflow.review.daily_review import look_back
from chanflow.review.flows import PAGE, MemoryFlows
from chanflow.review.lessons import LEAST_N, Trial, trial_of
from chanflow.review.lookback import text_of
from chanflow.review.memory import stored_cases
from chanflow.review.ports import CaseQuery
from chanflow.review.similar import similar_cases
from chanflow.review.state_vector import DIMENSION, MAX_MISSING, VERSION, default_statistics, vector_of
from chanflow.runtime.clock import SystemClock
from chanflow.runtime.home import Home
from chanflow.runtime.memory_desk import JournalPast, open_memory, vectors_dir
from chanflow.runtime.settings import home_directory

Do = Callable[[SqlKnowledge], Awaitable[None]]
_END_NS = 1 << 62


def _home() -> Home:
    return Home(home_directory())


@asynccontextmanager
async def _knowledge(home: Home) -> AsyncIterator[SqlKnowledge]:
    """Give the knowledge base. Raises NotFound where nothing was ever remembered."""
    if not home.database_path.exists():
        raise NotFound(f"nothing is remembered in {home.root}: a desk with memory has not run here yet")
    async with await Database.open(home.database_path) as database:
        yield SqlKnowledge(database)


def _with(do: Do) -> None:
    async def run() -> None:
        async with _knowledge(_home()) as knowledge:
            await do(knowledge)

    asyncio.run(run())


# ── memory ────────────────────────────────────────────────────────────────────


def run_status() -> None:
    """Print counts of each layer and how far the tasks have come."""

    async def show(knowledge: SqlKnowledge) -> None:
        now_ns = SystemClock().now_ns()
        every = await knowledge.case_count(most_missing=DIMENSION, from_ns=0)
        statistics = default_statistics()
        alike = await knowledge.case_count(most_missing=MAX_MISSING, from_ns=statistics.until_ns)
        typer.echo(f"decisions: {every} kept, {alike} with a {VERSION} vector")
        typer.echo(f"vectors: {_vectors(vectors_dir(_home()))}")
        typer.echo(f"statistics: {statistics.source}")
        lessons = Counter(lesson.status_at(now_ns) or "candidate" for lesson in await knowledge.lessons())
        typer.echo("lessons: " + (", ".join(f"{lessons[name]} {name}" for name in sorted(lessons)) or "none"))
        typer.echo(f"trades: {len(await knowledge.trades(0, _END_NS))} closed")
        summary = await knowledge.summary(_END_NS)
        typer.echo(f"newest summary: {'none' if summary is None else summary.period}")
        for flow in ("archive", "review", "week"):
            done = await knowledge.done(flow)
            typer.echo(f"{flow}: " + ("never done" if done is None else f"done for {utc_date(int(done))}"))

    _with(show)


def _vectors(folder: Path) -> str:
    return str(folder) if (folder / "note.json").exists() else "none; a desk makes them when it starts"


def run_search(name: str, limit: int) -> None:
    """Print the cases most like a decision's; all are compared. Raises NotFound for one that is not kept."""

    async def show(knowledge: SqlKnowledge) -> None:
        statistics, store = default_statistics(), ExactCases(version=VERSION, dimension=DIMENSION)
        asked: Case | None = None
        async for page in _pages(knowledge):
            store.put(stored_cases(page, statistics))
            asked = next((case for case in page if case.decision.decision_id == name), asked)
        if asked is None:
            raise NotFound(f"no decision {name} is remembered; it is kept half an hour after it was taken")
        vector = vector_of(asked.state, statistics)
        if vector is None:
            raise InvalidArgument(f"over {MAX_MISSING} figures of the market of {name} are missing: nothing compares")
        query = CaseQuery(
            vector=vector.values, as_of_ns=asked.decision.at_ns, version=VERSION, limit=limit,
            position_id=asked.decision.position_id,
        )  # fmt: skip
        for line in similar_lines(similar_cases(store.search(query))):
            typer.echo(line)

    _with(show)


async def _pages(knowledge: SqlKnowledge) -> AsyncIterator[tuple[Case, ...]]:
    after = ""
    while page := await knowledge.cases(after=after, limit=PAGE):
        yield page
        after = page[-1].decision.decision_id


def similar_lines(found: SimilarCases) -> list[str]:
    """Return a line a case and one of figures, as a person reads them."""
    lines = []
    for each in found.cases:
        d, r = each.decision, None if each.decision.outcome is None else each.decision.outcome.r_multiple
        told = "R not known" if r is None else f"{r:+.2f} R"
        lines.append(
            f"{each.similarity:.3f}  {rfc3339(d.at_ns)[:16]}Z  {d.symbol} {d.level} {d.setup} {d.action}  "
            f"{d.result} {told}  {d.decision_id}"
        )
    if not found.comparable or found.hit_interval is None or found.hit_rate is None:
        return [*lines, "no comparable cases"]
    mean = "not known" if found.mean_r is None else f"{found.mean_r:+.2f} R"
    bounds = found.hit_interval
    share = f"with profit {found.hit_rate:.0%} (95 % interval {bounds.low:.0%} to {bounds.high:.0%})"
    return [*lines, f"{found.n} comparable cases: mean {mean}, {share}"]


def run_rebuild(*, journals: bool) -> None:
    """Make the vectors again. Raises DeskBusy where a desk runs."""
    home = _home()
    with home.lock():
        shutil.rmtree(vectors_dir(home), ignore_errors=True)
        asyncio.run(_rebuild(home, journals=journals))


async def _rebuild(home: Home, *, journals: bool) -> None:
    async with open_memory(home, SystemClock()) as memory:
        if journals:
            told = JournalPast(home).told(0, _END_NS)
            for at in range(0, len(told.cases), PAGE):
                await memory.knowledge.add_cases(told.cases[at : at + PAGE])
            await memory.knowledge.add_trades(told.trades)
            typer.echo(f"journals: {len(told.cases)} decisions, {len(told.trades)} closed trades")
            for name in told.unread:
                typer.echo(f"journals: {name} is damaged and was left out")
        typer.echo(f"vectors: {await MemoryFlows(memory).rebuild()} made again")


# ── lessons ───────────────────────────────────────────────────────────────────


def run_lessons() -> None:
    """Print a line a lesson."""

    async def show(knowledge: SqlKnowledge) -> None:
        now_ns, lessons = SystemClock().now_ns(), await knowledge.lessons()
        for lesson in reversed(lessons):
            typer.echo(f"{lesson.lesson_id}  {lesson.status_at(now_ns) or lesson.status}  n={lesson.n}  {lesson.text}")
        if not lessons:
            typer.echo("no lessons; the review proposes them each Monday at 00:30 UTC")

    _with(show)


def run_lesson(name: str) -> None:
    """Print a lesson whole. Raises NotFound."""

    async def show(knowledge: SqlKnowledge) -> None:
        lesson = await _lesson(knowledge, name)
        scope = ", ".join(f"{k} {v}" for k, v in _scope(lesson).items() if v is not None) or "anything"
        typer.echo(f"{lesson.lesson_id}: {lesson.status_at(SystemClock().now_ns()) or lesson.status}")
        typer.echo(f"text: {lesson.text}")
        typer.echo(f"claim: {lesson.claim}; scope: {scope}; {lesson.direction}")
        typer.echo(
            f"figures: {lesson.effect_r:+.2f} R ({lesson.ci.low:+.2f} to {lesson.ci.high:+.2f}), n={lesson.n}, "
            f"{len(lesson.support)} for and {len(lesson.against)} against, adjusted p {lesson.p_adjusted:.4f}"
        )
        typer.echo(f"by {lesson.author}, made {rfc3339(lesson.created_ns)}, ends {rfc3339(lesson.expires_ns)}")
        if lesson.note:
            typer.echo(f"note: {lesson.note}")
        if lesson.status == "trial":
            typer.echo(f"trial: {trial_line(await _trial(knowledge, lesson))}")

    _with(show)


def _scope(lesson: Lesson) -> dict[str, str | None]:
    scope = lesson.scope
    return {"symbol": scope.symbol, "level": scope.level, "setup": scope.setup, "regime": scope.regime}


def trial_line(trial: Trial) -> str:
    """Return how a trial stands, in a sentence."""
    counts = f"{trial.shown} decisions were shown it, {trial.hidden} were not"
    if trial.ci is None or trial.effect_r is None:
        return f"{counts}; {LEAST_N} of each are needed"
    verdict = "passed" if trial.passed else "not passed"
    return f"{counts}; {trial.effect_r:+.2f} R better with it ({trial.ci.low:+.2f} to {trial.ci.high:+.2f}): {verdict}"


async def _lesson(knowledge: SqlKnowledge, name: str) -> Lesson:
    lesson = await knowledge.lesson(name)
    if lesson is None:
        raise NotFound(f"there is no lesson {name}; chanflow lessons list shows all")
    return lesson


async def _trial(knowledge: SqlKnowledge, lesson: Lesson) -> Trial:
    return trial_of(lesson, await knowledge.cases_between(lesson.trial_ns or lesson.created_ns, _END_NS))


def run_adopt(name: str, note: str) -> None:
    """Move a lesson one step on. Raises InvalidArgument where its trial has not passed."""

    async def do(knowledge: SqlKnowledge) -> None:
        lesson = await _lesson(knowledge, name)
        if lesson.status == "trial":
            trial = await _trial(knowledge, lesson)
            if not trial.passed:
                raise InvalidArgument(f"lesson {name} cannot be adopted: {trial_line(trial)}")
        await _move(knowledge, lesson, "trial" if lesson.status == "candidate" else "adopted", note)

    _with(do)


def run_revert(name: str, note: str) -> None:
    """Take a lesson out of use."""

    async def do(knowledge: SqlKnowledge) -> None:
        await _move(knowledge, await _lesson(knowledge, name), "reverted", note)

    _with(do)


async def _move(knowledge: SqlKnowledge, lesson: Lesson, status: str, note: str) -> None:
    moved = lesson.moved(status, SystemClock().now_ns(), _note(note))  # type: ignore[arg-type]
    await knowledge.save_lesson(moved)
    typer.echo(f"{lesson.lesson_id}: {lesson.status} → {moved.status}")


def _note(note: str) -> str:
    if not 0 < len(note.strip()) <= 400 or not note.isprintable():
        raise InvalidArgument(f"a note has 1 to 400 printable characters, this has {len(note.strip())}", field="note")
    return note.strip()


# ── review ────────────────────────────────────────────────────────────────────


def run_review(day: str | None) -> None:
    """Print what a day came to, from the journals; nothing is kept."""
    clock = SystemClock()
    name = utc_date(clock.now_ns() - NS_PER_DAY) if day is None else day
    try:
        from_ns = parse_rfc3339(f"{name}T00:00:00Z")
    except ValueError as fault:
        raise InvalidArgument(f"day is {name!r}, write it as 2026-01-05", field="day") from fault

    home = _home()
    if not home.runs():
        raise NotFound(f"nothing has run in {home.root} yet")
    told = JournalPast(home).told(from_ns, from_ns + NS_PER_DAY)
    typer.echo(text_of(look_back(name, told, from_ns, from_ns + NS_PER_DAY)))
