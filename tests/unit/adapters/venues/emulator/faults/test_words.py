"""The words of a fault script are those of its page."""

from __future__ import annotations

from pathlib import Path

import pytest

from chanflow.adapters.venues.emulator.faults.words import EVENT_NAMES, KINDS

PAGE = (Path(__file__).parents[6] / "docs" / "exchange.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("word", KINDS)
def test_the_page_has_every_fault_with_its_fields(word: str) -> None:
    kind = KINDS[word]
    fields = ", ".join([f"`{name}`" for name in kind.must] + [f"[`{name}`]" for name in kind.may])
    assert f"| `{word}` | {fields} | {kind.says} |" in PAGE


def test_the_page_names_every_kind_of_order_event() -> None:
    assert all(f"`{name}`" in PAGE for name in EVENT_NAMES[-4:])
