"""Taking secrets out of what is kept or shown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

MASK = "[secret]"
_SHORTEST = 6
"""A shorter key is no secret, and its letters would be found all over a text."""

_LOOKS_SECRET = re.compile(
    r"\bsk-[A-Za-z0-9_-]{16,}|(?<=Bearer )[A-Za-z0-9._~+/=-]{12,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.DOTALL,
)


class Scrubber:
    """Knows the keys in use, and how keys look that it does not know. Its `repr` tells none."""

    def __init__(self, keys: Sequence[str] = ()) -> None:
        self._keys = sorted({key for key in keys if len(key) >= _SHORTEST}, key=len, reverse=True)

    def text(self, text: str) -> str:
        """Return `text` with every secret replaced by a mask."""
        for key in self._keys:
            text = text.replace(key, MASK)
        return _LOOKS_SECRET.sub(MASK, text)

    def value(self, value: Any) -> Any:
        """Return a JSON value with every secret in its texts and names replaced by a mask."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(name)): self.value(item) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(item) for item in value]
        return value
