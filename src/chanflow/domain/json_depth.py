"""How deep JSON nests, told before it is read."""

from __future__ import annotations

import re

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


def json_depth_exceeds(body: bytes, most: int) -> bool:
    """Return whether brackets outside of strings nest deeper than `most`. Linear in the length of `body`."""
    if body.count(b"[") + body.count(b"{") <= most:
        return False
    depth = 0
    for token in _TOKEN.finditer(body):
        match token.group()[:1]:
            case b"[" | b"{":
                depth += 1
                if depth > most:
                    return True
            case b"]" | b"}":
                depth -= 1
    return False
