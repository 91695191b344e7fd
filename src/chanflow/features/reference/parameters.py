"""What may be chosen, the defaults, and the named choices. Rules 2.3 to 2.8."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from math import inf
from typing import Any, Literal

from chanflow.domain.errors import InvalidArgument
from chanflow.features.reference.bar import Direction

Setting = str | bool | int | float | None
Level = Literal["stroke", "segment"]

POINT_TYPES = ("1", "1p", "2", "2s", "3a", "3b")
METRICS = (
    "peak",
    "full_area",
    "area",
    "diff",
    "slope",
    "amp",
    "rsi",
    "volume",
    "amount",
    "volume_avg",
    "amount_avg",
)
GUARDS = ("max_stroke_bars", "reset_gap_ms")
"""Rule 2.10: whole numbers from 1 up, or none."""

ALIASES = {"volumn": "volume", "volumn_avg": "volume_avg"}


@dataclass(frozen=True, slots=True)
class PointParameters:
    """What decides about points (rule 2.7), for one level and one side."""

    divergence_rate: float = 0.9
    macd_algo: str = "peak"
    min_zs_cnt: int = 1
    bsp1_only_multibi_zs: bool = True
    bs1_peak: bool = True
    max_bs2_rate: float = 0.9999
    bs_type: tuple[str, ...] = POINT_TYPES
    bsp2_follow_1: bool = True
    bsp3_follow_1: bool = True
    bsp2s_follow_2: bool = False
    max_bsp2s_lv: int | None = None
    bsp3_peak: bool = False
    strict_bsp3: bool = False
    bsp3a_max_zs_cnt: int = 1


@dataclass(frozen=True, slots=True)
class Parameters:
    """All parameters. `points` holds those of 2.7 by level and by the direction of the ending segment (down: buy)."""

    bi_algo: str = "normal"
    bi_strict: bool = True
    bi_fx_check: str = "strict"
    gap_as_kl: bool = False
    bi_end_is_peak: bool = True
    bi_allow_sub_peak: bool = True
    min_bi_len: int = 6
    seg_algo: str = "chan"
    left_seg_method: str = "peak"
    seg_gap_cancel: bool = False
    max_stroke_bars: int | None = None
    reset_gap_ms: int | None = None
    zs_algo: str = "normal"
    zs_combine: bool = True
    zs_combine_mode: str = "zs"
    one_bi_zs: bool = False
    touch_overlaps: bool = False
    points: Mapping[tuple[Level, Direction], PointParameters] = field(default_factory=dict)


WORDS: Mapping[str, tuple[str, ...]] = {
    "bi_algo": ("normal", "fx", "czsc"),
    "bi_fx_check": ("strict", "totally", "half", "loss"),
    "seg_algo": ("chan",),
    "left_seg_method": ("peak", "all"),
    "zs_algo": ("normal", "over_seg", "auto", "free", "czsc"),
    "zs_combine_mode": ("zs", "peak"),
    "macd_algo": METRICS,
}

PRESETS: Mapping[str, Mapping[str, Setting]] = {
    "default": {},
    "chanpy": {"divergence_rate": inf},
    "new_bi": {"bi_strict": False},
    "totally": {"bi_fx_check": "totally"},
    "czsc6": {"bi_algo": "czsc", "min_bi_len": 6, "zs_algo": "czsc"},
    "czsc7": {"bi_algo": "czsc", "min_bi_len": 7, "zs_algo": "czsc"},
    "textbook": {"seg_gap_cancel": True, "touch_overlaps": True, "zs_algo": "free"},
}
"""Rule 2.8: what each preset sets on top of the defaults."""

SIDES: Mapping[tuple[Level, Direction], tuple[str, ...]] = {
    ("stroke", "down"): ("", "-buy"),
    ("stroke", "up"): ("", "-sell"),
    ("segment", "down"): ("", "-seg", "-segbuy"),
    ("segment", "up"): ("", "-seg", "-segsell"),
}
"""Rule 2.7: the suffixes that reach each level and side, the more particular the later."""

_OF_POINTS = {each.name: each for each in fields(PointParameters)}
_OF_STRUCTURE = {each.name: each for each in fields(Parameters) if each.name != "points"}


def parameters(preset: str = "default", settings: Mapping[str, Setting] | None = None) -> Parameters:
    """Return the parameters of a preset with single settings on top.

    Raises InvalidArgument for an unknown preset, key or value, and says what is allowed.
    """
    if preset not in PRESETS:
        raise InvalidArgument(f"preset {preset!r} is unknown; allowed: {', '.join(PRESETS)}", field="preset")
    chosen = {**PRESETS[preset], **(settings or {})}
    own: dict[str, Any] = {}
    for key, value in chosen.items():
        name, dash, suffix = key.partition("-")
        known = name in _OF_POINTS if dash else key in _OF_POINTS or key in _OF_STRUCTURE
        if not known or (dash and not any(dash + suffix in each for each in SIDES.values())):
            allowed = ", ".join([*_OF_STRUCTURE, *_OF_POINTS])
            raise InvalidArgument(f"parameter {key!r} is unknown; allowed: {allowed}", field=key)
        if key in _OF_STRUCTURE:
            own[key] = _value(key, value)
    points = {side: _of_side(side, chosen) for side in SIDES}
    found = replace(Parameters(points=points), **own)
    if found.bi_algo == "czsc" and found.max_stroke_bars is not None:
        raise InvalidArgument("max_stroke_bars has nothing to drop with bi_algo=czsc", field="max_stroke_bars")
    if found.zs_algo != "normal" and found.reset_gap_ms is not None:
        raise InvalidArgument("reset_gap_ms: the reference knows it with zs_algo=normal alone", field="reset_gap_ms")
    return found


def _of_side(side: tuple[Level, Direction], chosen: Mapping[str, Setting]) -> PointParameters:
    """Return the parameters of points of one level and side."""
    found: dict[str, Any] = {}
    for suffix in SIDES[side]:
        found |= {name: _value(name, chosen[name + suffix]) for name in _OF_POINTS if name + suffix in chosen}
        if not suffix and side[0] == "segment":
            # Segments have no bars of their own: of the metrics they support slope and amp only.
            found |= {"macd_algo": "slope", "bsp1_only_multibi_zs": False}
    if side[0] == "segment" and found["macd_algo"] not in {"slope", "amp"}:
        raise InvalidArgument(f"macd_algo {found['macd_algo']!r} has no meaning for segments; allowed: slope, amp")
    return PointParameters(**found)


def _value(name: str, value: Setting) -> Setting | tuple[str, ...]:
    """Return a setting as its field holds it, or raise InvalidArgument."""
    if name == "bs_type":
        types = tuple(word.strip() for word in str(value).split(","))
        if unknown := [word for word in types if word not in POINT_TYPES]:
            raise InvalidArgument(f"bs_type has no {unknown[0]!r}; allowed: {', '.join(POINT_TYPES)}", field=name)
        return types
    if name in WORDS:
        word = ALIASES.get(str(value), str(value))
        if word not in WORDS[name]:
            raise InvalidArgument(f"{name} cannot be {value!r}; allowed: {', '.join(WORDS[name])}", field=name)
        return word
    kind = str((_OF_POINTS.get(name) or _OF_STRUCTURE[name]).type)
    if not _fits(kind, value) or (name in GUARDS and isinstance(value, int) and value < 1):
        raise InvalidArgument(f"{name} cannot be {value!r}; allowed: {kind}", field=name)
    return value


def _fits(kind: str, value: Setting) -> bool:
    """Whether a value is of an annotated type; a number may be an integer where a float is wanted."""
    if kind == "bool" or isinstance(value, bool):
        return kind == "bool" and isinstance(value, bool)
    if value is None:
        return "None" in kind
    return isinstance(value, int) or (kind == "float" and isinstance(value, float))
