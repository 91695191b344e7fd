"""An alert: what a person must hear of, in words that cannot carry anything but words.

A title becomes a mail's subject and a webhook's field, so it is one line of visible text: whatever could end a header
or turn the reading direction is not in it. `compose` cleans what others wrote; `Alert` refuses what is not clean.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal, Protocol

from chanflow.domain.errors import InvalidArgument

Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
"""From the least to the most urgent."""

MAX_TITLE, MAX_BODY, MAX_KEY, MAX_SOURCE = 120, 4_000, 120, 40
"""The longest texts, in characters."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to tell. Within a time, what has the same `dedupe_key` is told once; `at_ns` is when it happened."""

    severity: Severity
    title: str
    body: str
    dedupe_key: str
    at_ns: int
    source: str

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise InvalidArgument(f"severity is unknown, known are {', '.join(SEVERITIES)}", field="severity")
        for name, text, most in (
            ("title", self.title, MAX_TITLE), ("dedupe_key", self.dedupe_key, MAX_KEY),
            ("source", self.source, MAX_SOURCE),
        ):  # fmt: skip
            if not text or text != line_of(text, most):
                raise InvalidArgument(f"{name} must be one line of 1 to {most} visible characters", field=name)
        if self.body != text_of(self.body, MAX_BODY):
            raise InvalidArgument(f"body must be visible text of at most {MAX_BODY} characters", field="body")
        if self.at_ns < 0:
            raise InvalidArgument(f"at_ns is {self.at_ns}, Unix ns are at least 0", field="at_ns")


def compose(
    *, severity: str, title: str, body: str = "", dedupe_key: str = "", at_ns: int = 0, source: str = "desk"
) -> Alert:
    """Return the alert of texts that others wrote, cleaned and cut to length; nothing in them can make it fail.

    An unknown severity counts as a warning, a title that is empty says so, a key that is empty is the title.
    """
    known: Severity = severity if severity in SEVERITIES else "warning"
    words = line_of(title, MAX_TITLE) or "an alert without words"
    return Alert(
        known, words, text_of(body, MAX_BODY), line_of(dedupe_key, MAX_KEY) or line_of(words, MAX_KEY),
        max(0, at_ns), line_of(source, MAX_SOURCE) or "desk",
    )  # fmt: skip


def rank(severity: Severity) -> int:
    """Return 0 for info, 1 for warning, 2 for critical."""
    return SEVERITIES.index(severity)


def line_of(text: str, most: int) -> str:
    """Return `text` as one line of at most `most` visible characters; a cut is shown by an ellipsis."""
    return _cut(re.sub(r"\s+", " ", _visible(text)).strip(), most)


def text_of(text: str, most: int) -> str:
    """Return `text` with line ends as the only control characters, at most `most` long."""
    lines = [re.sub(r"[^\S\n]", " ", _visible(line)).rstrip() for line in text.replace("\r\n", "\n").split("\n")]
    return _cut("\n".join(lines).strip("\n"), most)


def _visible(text: str) -> str:
    """Return `text` without what is not seen: controls and separators as spaces, direction marks and halves gone."""
    kept = []
    for char in text:
        category = unicodedata.category(char)
        if category in ("Cc", "Zl", "Zp"):
            kept.append(" ")
        elif category not in ("Cf", "Cs"):
            kept.append(char)
    return "".join(kept)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


@dataclass(frozen=True, slots=True)
class Message:
    """What goes out over a channel: one alert, or several joined."""

    severity: Severity
    title: str
    body: str


class Messenger(Protocol):
    """A way to tell a person. Calls block: they are made in threads of their own."""

    @property
    def address(self) -> str:
        """Where it leads: what may be shown of it, scheme and host at most."""
        ...

    def send(self, message: Message, *, cap_s: float) -> None:
        """Return once the message is taken. Waits about `cap_s` at most. Raises DeliveryFailed."""
        ...
