"""The Python in the documentation runs: the blocks of a page one after the other, as a reader would type them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md") if BLOCK.search(page.read_text()))


@pytest.fixture
def no_loop_left() -> Iterator[None]:
    """Close the event loop that a client of a page makes for its thread and leaves behind."""
    asyncio.set_event_loop(None)
    yield
    policy = asyncio.get_event_loop_policy()
    left = getattr(policy, "_local", None) and policy._local._loop
    if left is not None:
        left.close()
        asyncio.set_event_loop(None)


@pytest.mark.usefixtures("no_loop_left")
@pytest.mark.parametrize("page", PAGES)
def test_the_python_of_a_page_runs(page: str) -> None:
    text = (DOCS / page).read_text()
    names: dict[str, Any] = {}
    for block in BLOCK.finditer(text):
        # Blank lines in front give a failure the line that it has in the page.
        source = "\n" * text.count("\n", 0, block.start(1)) + block[1]
        exec(compile(source, str(DOCS / page), "exec"), names)


def test_there_is_python_to_run() -> None:
    assert "levels.md" in PAGES


def test_the_tests_that_show_the_invariants_of_risk_are_there() -> None:
    tests = Path(__file__).parents[1]
    sources = "".join(p.read_text() for room in ("property", "unit") for p in (tests / room / "risk").glob("test_*.py"))
    page = (DOCS / "risk.md").read_text()
    named = re.findall(r"`(test_[a-z0-9_]+)`", page)
    assert [name for name in named if f"def {name}(" not in sources] == []
    assert {f"| {number} |" for number in range(1, 15)} <= set(re.findall(r"^(\| \d+ \|)", page, re.MULTILINE))
