"""How many tokens a text may be, at most, without the tokenizer of any model.

Two bounds. `bytes_of` is certain: a token of a byte-level encoding covers one byte at least, so money is reserved by
it. It is three to four times too high for English, so the tokens of a run are counted by `tokens_at_most`: by kind of
letter, at rates that the tokenizers of current models stay under for running text, code and JSON. Those are three
letters of a Latin word, one digit or mark, one run of spaces, half a Chinese character a token, and other scripts by
their bytes. Text made to be long, as random letters, can exceed that count; then what the server reports is settled.
"""

from __future__ import annotations

import re

_LETTERS_PER_TOKEN = 3
_TOKENS_PER_IDEOGRAPH = 2
_MESSAGE_OVERHEAD = 16
"""Tokens that a chat's own marks cost a message, at most."""

_PIECES = re.compile(
    r"(?P<word>[A-Za-z]+)|(?P<space>[ \t\r\n]+)|(?P<mark>[\x00-\x7f])"
    r"|(?P<ideograph>[\u3000-\u9fff\uff00-\uffef])|(?P<other>.)",
    re.DOTALL,
)


def tokens_at_most(text: str, messages: int = 1) -> int:
    """Return an upper estimate of the tokens of `text`, sent as so many messages."""
    count = messages * _MESSAGE_OVERHEAD
    for piece in _PIECES.finditer(text):
        kind, found = piece.lastgroup, piece.group()
        if kind == "word":
            count += -(-len(found) // _LETTERS_PER_TOKEN)
        elif kind == "ideograph":
            count += _TOKENS_PER_IDEOGRAPH
        elif kind == "other":
            count += len(found.encode("utf-8", "surrogatepass"))
        elif kind == "space":
            count += 1 if found in {" ", "\n"} else -(-len(found) // 4) + 1
        else:
            count += 1
    return count


def bytes_of(text: str, messages: int = 1) -> int:
    """Return a number of tokens that `text`, sent as so many messages, cannot exceed."""
    return messages * _MESSAGE_OVERHEAD + len(text.encode("utf-8", "surrogatepass"))
