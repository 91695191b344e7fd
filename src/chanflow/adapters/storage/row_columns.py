"""Rows that were read from a file, as the columns that the quality gate takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ABSENT_MS = int(np.iinfo(np.int64).min)
"""What stands in `ts_ms` for a row without a time."""

KIND_LEVEL = 8
"""`kind` of one level of a diff."""

KIND_SNAPSHOT_LEVEL = 9
"""`kind` of one level of a snapshot."""


@dataclass(frozen=True, slots=True, eq=False)
class FileRows:
    """The rows of a file in its order."""

    venue: str
    symbol: str
    columns: Mapping[str, NDArray[Any]]
    found: NDArray[np.uint32] | None
    """Codes that the reader found itself, one mask a row."""
    notes: tuple[str, ...]
