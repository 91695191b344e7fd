"""`chanflow memory`, `chanflow lessons` and `chanflow review`: verbs and options. What they do is in `memory.py`."""

from __future__ import annotations

from typing import Annotated

import typer

memory_app = typer.Typer(
    help="What the desk remembers: decisions, similar situations, lessons.", add_completion=False,
    no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
)  # fmt: skip
lessons_app = typer.Typer(
    help="Lessons: proposed by the review, tried and adopted by a person.", add_completion=False,
    no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
)  # fmt: skip

Note = Annotated[str, typer.Option("--note", help="Why; it is kept with the lesson.")]
LessonId = Annotated[str, typer.Argument(help="The lesson's id.")]


@memory_app.command()
def status() -> None:
    """Show what is remembered, and how far the regular tasks have come."""
    from chanflow.interfaces.cli.memory import run_status

    run_status()


@memory_app.command()
def search(
    decision: Annotated[str, typer.Argument(help="The id of a decision that is remembered.")],
    *,
    limit: Annotated[int, typer.Option(min=1, max=100, help="So many cases.")] = 10,
) -> None:
    """Show the cases most like a decision's market, of those that had closed before it."""
    from chanflow.interfaces.cli.memory import run_search

    run_search(decision, limit)


@memory_app.command()
def rebuild(
    *,
    journals: Annotated[bool, typer.Option("--journals", help="Read the decisions from all journals first.")] = False,
) -> None:
    """Make the vectors again from the database. No desk may run meanwhile."""
    from chanflow.interfaces.cli.memory import run_rebuild

    run_rebuild(journals=journals)


@lessons_app.command("list")
def list_() -> None:
    """List the lessons, the newest first."""
    from chanflow.interfaces.cli.memory import run_lessons

    run_lessons()


@lessons_app.command()
def show(lesson: LessonId) -> None:
    """Show a lesson with its claim, its figures and how its trial stands."""
    from chanflow.interfaces.cli.memory import run_lesson

    run_lesson(lesson)


@lessons_app.command()
def adopt(lesson: LessonId, *, note: Note) -> None:
    """Put a candidate on trial, or a lesson whose trial has passed in force."""
    from chanflow.interfaces.cli.memory import run_adopt

    run_adopt(lesson, note)


@lessons_app.command()
def revert(lesson: LessonId, *, note: Note) -> None:
    """Take a lesson out of use."""
    from chanflow.interfaces.cli.memory import run_revert

    run_revert(lesson, note)


def review(
    *,
    day: Annotated[str | None, typer.Option(help="The UTC day, as 2026-01-05; else the last finished one.")] = None,
) -> None:
    """Look back on a day: what was decided, refused and closed, and what may be learned. Applies nothing."""
    from chanflow.interfaces.cli.memory import run_review

    run_review(day)
