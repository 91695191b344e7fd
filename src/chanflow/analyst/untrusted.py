"""Words from outside the desk, made harmless to read: no controls, no hidden direction, no marker of their own.

Outside text stands in a prompt only between `<untrusted …>` and `</untrusted>`. The protection that counts is
elsewhere: the analyst has no tool that writes, and its answer passes the gate. This keeps a reader from mistaking who
speaks.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator

from chanflow.analyst.sections import OutsideText
from chanflow.domain.evidence import is_ref

MAX_CHARS = 2_000
"""Characters of one text as a prompt shows it, its escapes counted."""
MAX_BYTES = 6 * MAX_CHARS
"""Room for any text of that many characters and its markers."""
LEAST_CHARS = 40
"""A shorter beginning of a text says nothing."""
MAX_SOURCE_CHARS = 64

_BREAKS = ("\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029")
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn")
"""Controls, formats (bidi marks, zero widths, tags), surrogates, private use, unassigned."""
_HIDDEN = frozenset(
    chr(code)
    for low, high in ((0xFE00, 0xFE0F), (0xE0100, 0xE01EF), (0x180B, 0x180F), (0x034F, 0x034F), (0x115F, 0x1160),
                      (0x3164, 0x3164), (0xFFA0, 0xFFA0))
    for code in range(low, high + 1)
)  # fmt: skip
"""Marks and fillers that show nothing, so that words could hide in them."""
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
_TABLE = str.maketrans(_ESCAPES)
_PLAIN_CHARS = 10_000
_CUT = ' cut="true"'
_SOURCE = re.compile(r"[^A-Za-z0-9 ._:/-]")


def wrapped(outside: OutsideText, room: int = MAX_BYTES) -> str:
    """Return a text between its markers in at most `room` bytes of UTF-8; empty where hardly any of it would fit.

    `sha256` is of the whole text as it came, `cut` says that some is left out.
    """
    name = outside.ref if is_ref(outside.ref) else "unnamed"
    source = _SOURCE.sub("?", outside.source[:MAX_SOURCE_CHARS])
    digest = hashlib.sha256(outside.text.encode("utf-8", "surrogatepass")).hexdigest()
    head, end = f'<untrusted id="{name}" source="{source}" sha256="{digest}"', "\n</untrusted>"
    left = room - len((head + _CUT + ">\n" + end).encode())
    shown, cut = escaped(_seen(outside.text), MAX_CHARS, most_bytes=left)
    if left < 0 or (cut and len(shown) < LEAST_CHARS):
        return ""
    return f"{head}{_CUT if cut else ''}>\n{shown}{end}"


def line(text: str, most: int) -> str:
    """Return words as one line that can hold no marker and no break, at most `most` characters, cut with an ellipsis.

    For whatever a person, a model or a venue has written: notes, names, reasons.
    """
    if len(text) <= _PLAIN_CHARS and text.isprintable() and _HIDDEN.isdisjoint(text):
        # Most words are plain, and a briefing has hundreds: what no character asks for is done at once.
        whole = " ".join(text.split()).translate(_TABLE)
        return whole if len(whole) <= most else f"{_shortened(whole, most - 1)}…"
    shown, cut = escaped(_one_line(text), most)
    return f"{_shortened(shown, most - 1)}…" if cut else shown


def visible(text: str) -> str:
    """Return `text` without characters that nobody sees; breaks of any kind become newlines, tabs spaces."""
    return "".join(_seen(text))


def escaped(chars: Iterable[str], most: int, *, most_bytes: int = MAX_BYTES) -> tuple[str, bool]:
    """Return characters with markers escaped, at most `most` and `most_bytes`, and whether some are left out.

    An escape is left out whole. No more characters are read than are needed.
    """
    kept: list[str] = []
    length, size = 0, 0
    for char in chars:
        piece = _ESCAPES.get(char, char)
        length, size = length + len(piece), size + len(piece.encode())
        if length > most or size > most_bytes:
            return "".join(kept), True
        kept.append(piece)
    return "".join(kept), False


def _seen(text: str) -> Iterator[str]:
    """Yield the characters that are seen, as far as they may be told."""
    for char in text:
        if char in _HIDDEN:
            continue
        if char.isprintable():
            yield char
        elif char in _BREAKS:
            yield "\n"
        elif char == "\t":
            yield " "
        elif unicodedata.category(char) not in _UNSEEN:
            yield char


def _one_line(text: str) -> Iterator[str]:
    """Yield what is seen with any run of blanks as one space, none at either end."""
    blank, begun = False, False
    for char in _seen(text):
        if char.isspace():
            blank = begun
            continue
        if blank:
            yield " "
        blank, begun = False, True
        yield char


def _shortened(shown: str, most: int) -> str:
    """Return escaped text at most `most` characters long, no escape cut in two."""
    if len(shown) <= most:
        return shown
    begun = shown.rfind("&", 0, most)
    return shown[:most] if ";" in shown[begun:most] or begun < 0 else shown[:begun]
