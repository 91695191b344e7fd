"""Structures made by hand, as `features.chan.analyze(..., history=True)` gives them, with only the columns read."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

POINT = ("level", "types", "side", "bar", "state", "first_seen_bar", "confirmed_bar")
ELEMENT = ("start_bar", "end_bar", "direction", "state", "first_seen_bar", "confirmed_bar")
PROVISIONAL, CONFIRMED, VOID = 0, 1, 2
BUY, SELL = 1, -1
TYPE_1, TYPE_1P, TYPE_2, TYPE_2S, TYPE_3A, TYPE_3B = (1 << bit for bit in range(6))


def columns(names: Sequence[str], rows: Sequence[Sequence[int]]) -> SimpleNamespace:
    table = np.array(rows, dtype=np.int64).reshape(len(rows), len(names))
    return SimpleNamespace(**{name: table[:, at] for at, name in enumerate(names)})


def structure(points: Sequence[Sequence[int]] = (), strokes: Sequence[Sequence[int]] = ()) -> Any:
    """Return a structure of rows in the order of `POINT` and `ELEMENT`, without segments."""
    return SimpleNamespace(
        points=columns(POINT, points),
        strokes=columns(ELEMENT, strokes),
        segments=columns((*ELEMENT, "start_stroke"), ()),
        super_segments=columns((*ELEMENT, "start_segment"), ()),
    )
