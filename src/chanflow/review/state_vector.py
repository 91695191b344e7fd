"""The vector `market_state/1`: 48 figures of a moment made comparable, so that like moments point the same way.

Each figure is z = clip((x - median) / (1.4826 MAD), ±4) by frozen statistics; a missing one is 0, its bit set in a
mask. Each block has the weight w / sqrt(its size), and the whole is scaled to length 1, so that the dot product of two
vectors is their cosine. With more than 12 figures missing there is no vector.

Source of the scale: Rousseeuw & Croux (1993), "Alternatives to the Median Absolute Deviation", Journal of the American
Statistical Association 88.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chanflow.domain.canonical import canonical_json
from chanflow.domain.errors import InvalidArgument, SettingsInvalid
from chanflow.domain.market_state import FEATURES, MarketState
from chanflow.domain.time import rfc3339

VERSION = "market_state/1"
DIMENSION = len(FEATURES)
MAX_MISSING = 12
CLIP = 4.0
MAD_TO_SIGMA = 1.4826
BLOCKS = (("price", 10, 1.0), ("flow", 10, 1.0), ("chan", 14, 1.5), ("context", 8, 0.5), ("account", 6, 0.5))
"""Name, how many figures, weight; in the order of the vector."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FeatureScale:
    """Median and scale (1.4826 MAD) of one figure. `n` is of how many values; 0 where both were set by definition."""

    median: float
    scale: float
    n: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """Frozen scales of all figures, by data that ended at `until_ns`; decisions before that would look ahead."""

    version: str
    source: str
    from_ns: int
    until_ns: int
    scales: Mapping[str, FeatureScale]
    sha256: str


@dataclass(frozen=True, slots=True)
class StateVector:
    """48 numbers of length 1; bit i of `mask` is set where figure i was missing."""

    values: tuple[float, ...]
    mask: int

    @property
    def missing(self) -> int:
        """How many figures were not to be had."""
        return self.mask.bit_count()


def vector_of(state: MarketState, statistics: Statistics) -> StateVector | None:
    """Return the vector of a state, or None where more than 12 figures are missing or nothing stands out at all."""
    vectors, masks = vectors_of([state], statistics)
    return None if vectors[0] is None else StateVector(vectors[0], masks[0])


def vectors_of(
    states: Sequence[MarketState], statistics: Statistics
) -> tuple[list[tuple[float, ...] | None], list[int]]:
    """Return the vectors of many states (None as `vector_of` says) and their masks, computed at once."""
    rows = np.array([[np.nan if v is None else v for v in s.values()] for s in states], dtype=np.float64)
    rows = rows.reshape(len(states), DIMENSION)
    missing = np.isnan(rows)
    median, scale, weight = _arrays(statistics.sha256, statistics)
    with np.errstate(over="ignore"):
        z = np.clip((rows - median) / scale, -CLIP, CLIP)
    weighted = np.where(missing, 0.0, z) * weight
    length = np.sqrt((weighted * weighted).sum(axis=1, keepdims=True))
    usable = (missing.sum(axis=1) <= MAX_MISSING) & (length[:, 0] > 0.0)
    unit = weighted / np.where(length > 0.0, length, 1.0)
    masks = [sum(1 << int(i) for i in np.flatnonzero(row)) for row in missing]
    return [tuple(row) if ok else None for row, ok in zip(unit.tolist(), usable.tolist(), strict=True)], masks


_ARRAYS: dict[str, tuple[Floats, Floats, Floats]] = {}


def _arrays(key: str, statistics: Statistics) -> tuple[Floats, Floats, Floats]:
    """Return medians, scales and weights as arrays; made once for each set of statistics."""
    if key not in _ARRAYS:
        scales = [statistics.scales[name] for name in FEATURES]
        weights = [weight / size**0.5 for _, size, weight in BLOCKS for _ in range(size)]
        _ARRAYS[key] = (
            np.array([s.median for s in scales]), np.array([s.scale for s in scales]), np.array(weights)
        )  # fmt: skip
    return _ARRAYS[key]


def statistics_text(*, source: str, from_ns: int, until_ns: int, scales: Mapping[str, FeatureScale]) -> str:
    """Return the file of a set of statistics: JSON that ends with the SHA-256 of all before it."""
    body = _body(source=source, from_ns=from_ns, until_ns=until_ns, scales=scales)
    body["sha256"] = _digest(body)
    return json.dumps(body, indent=1, ensure_ascii=False) + "\n"


def _body(*, source: str, from_ns: int, until_ns: int, scales: Mapping[str, FeatureScale]) -> dict[str, Any]:
    return {
        "version": VERSION,
        "source": source,
        "from_ns": from_ns,
        "until_ns": until_ns,
        "features": {
            name: {"median": scales[name].median, "scale": scales[name].scale, "n": scales[name].n} for name in FEATURES
        },
    }


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical_json(body).encode()).hexdigest()


def parse_statistics(text: str) -> Statistics:
    """Return the statistics of a file. Raises SettingsInvalid for one that was altered or is of another vector."""
    try:
        body = json.loads(text)
        told = body.pop("sha256")
        if body["version"] != VERSION:
            raise SettingsInvalid(f"these statistics are of {body['version']!r}, this version compares by {VERSION}")
        if told != _digest(body):
            raise SettingsInvalid("the statistics do not match their sha256: the file was altered; fit them again")
        scales = {name: FeatureScale(**body["features"][name]) for name in FEATURES}
        found = Statistics(VERSION, body["source"], body["from_ns"], body["until_ns"], scales, told)
    except (ValueError, TypeError, KeyError, AttributeError) as fault:
        raise SettingsInvalid(f"the statistics of market states cannot be read ({fault}); fit them again") from fault
    bad = [name for name, scale in scales.items() if not scale.scale > 0.0]
    if bad or len(body["features"]) != DIMENSION:
        raise SettingsInvalid(f"statistics need a positive scale for each of {DIMENSION} figures: {bad or 'too many'}")
    return found


def check_dated(statistics: Statistics, as_of_ns: int) -> None:
    """Raise InvalidArgument where a moment lies before the end of the data that the statistics were fitted on."""
    if as_of_ns < statistics.until_ns:
        raise InvalidArgument(
            f"the statistics of market states were fitted on data up to {rfc3339(statistics.until_ns)}; "
            f"a decision at {rfc3339(as_of_ns)} would look ahead: fit them on older data"
        )


@cache
def default_statistics() -> Statistics:
    """Return the statistics that come with this version; the file says what they were fitted on."""
    return parse_statistics(files("chanflow.review").joinpath("market_state_1.json").read_text("utf-8"))
