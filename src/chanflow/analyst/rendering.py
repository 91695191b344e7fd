"""A briefing as text: eight sections in a fixed order, each within its budget of tokens, oldest rows cut first.

Tokens are counted as bytes of UTF-8. No tokenizer of the models in use makes more: each begins with single bytes, and
every token covers at least one. So the count is never too low; for English it is three to four times too high, and the
rows are short because of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.lines import Row, Section
from chanflow.analyst.memory_lines import memory_section
from chanflow.analyst.section_lines import (
    context_section,
    flow_section,
    permission_section,
    position_section,
    task_section,
)
from chanflow.analyst.structure_lines import structure_section
from chanflow.analyst.untrusted import wrapped
from chanflow.domain.evidence import is_ref

BUDGETS = {
    "task": 300,
    "permission": 200,
    "structure": 2_200,
    "flow": 600,
    "context": 400,
    "position": 500,
    "memory": 1_200,
    "untrusted": 600,
}
"""Tokens that each section may have, in the order in which they stand."""

MAX_TOKENS = sum(BUDGETS.values())


@dataclass(frozen=True, slots=True)
class Rendered:
    """A briefing's text, the ids it shows, the SHA-256 of the text, its tokens, and how many rows each section lost."""

    text: str
    refs: tuple[str, ...]
    hash: str
    tokens: int
    cut: tuple[tuple[str, int], ...]


def tokens_of(text: str) -> int:
    """Return at least as many tokens as any byte-level tokenizer makes of `text`."""
    return len(text.encode())


def rendered(briefing: Briefing) -> Rendered:
    """Return the briefing as a model reads it."""
    sections = [
        task_section(briefing),
        permission_section(briefing),
        structure_section(briefing),
        flow_section(briefing),
        context_section(briefing),
        position_section(briefing),
        memory_section(briefing),
    ]
    parts = [_fitted(section, BUDGETS[section.name]) for section in sections if section.lines or section.rows]
    if briefing.outside:
        parts.append(_outside(briefing, BUDGETS["untrusted"]))
    text = "\n".join(part.text for part in parts)
    return Rendered(
        text,
        tuple(dict.fromkeys(ref for part in parts for ref in part.refs)),
        hashlib.sha256(text.encode()).hexdigest(),
        tokens_of(text),
        tuple((part.name, part.cut) for part in parts if part.cut),
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """A section that fits: its newline at the end is part of it."""

    name: str
    text: str
    refs: tuple[str, ...]
    cut: int


def _fitted(section: Section, budget: int) -> _Part:
    """Return the section without its oldest rows, and if need be without its last lines, until it fits."""
    rows, lines, cut = list(section.rows), list(section.lines), 0
    size = sum(tokens_of(text) + 1 for text in (_title(section.name), *lines, *(row.text for row in rows)))
    while size + _note_size(section.name, cut) > budget and (rows or lines):
        gone = rows.pop(_oldest(rows)).text if rows else lines.pop()
        cut += 1
        size -= tokens_of(gone) + 1
    body = [_title(section.name), *lines, *_note(section.name, cut), *(row.text for row in rows)]
    words = frozenset(word.rstrip(",:;") for text in lines for word in text.split())
    refs = (*(ref for ref in section.refs if ref in words), *(ref for row in rows for ref in row.refs))
    return _Part(section.name, "\n".join(body) + "\n", refs, cut)


def _oldest(rows: Sequence[Row]) -> int:
    """Return which row goes next; of equals the one that stands last."""
    return max(range(len(rows)), key=lambda at: (rows[at].age, at))


def _title(name: str) -> str:
    return f"## {name}"


def _note(name: str, cut: int) -> list[str]:
    return [f"({cut} older rows of {name} cut)"] if cut else []


def _note_size(name: str, cut: int) -> int:
    # One more than is cut so far, since it is asked before the next cut; and a newline joins the sections.
    return sum(tokens_of(text) + 1 for text in _note(name, cut)) + 1


def _outside(briefing: Briefing, budget: int) -> _Part:
    """Return the newest outside texts that fit, the last of them shortened; what does not fit is counted."""
    texts = sorted(briefing.outside, key=lambda text: (-text.known_ns, text.ref))
    room = budget - tokens_of(_title("untrusted")) - 2 - _note_size("untrusted", len(texts))
    shown: list[tuple[str, str]] = []
    for text in texts:
        block = wrapped(text, room - 1)
        if not block:
            break
        room -= tokens_of(block) + 1
        shown.append((text.ref, block))
    cut = len(texts) - len(shown)
    body = [_title("untrusted"), *_note("untrusted", cut), *(block for _, block in shown)]
    return _Part("untrusted", "\n".join(body) + "\n", tuple(ref for ref, _ in shown if is_ref(ref)), cut)
