from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_cases import T0, made_state

from chanflow.domain.errors import InvalidArgument, SettingsInvalid
from chanflow.domain.market_state import FEATURES, MarketState
from chanflow.review.state_vector import (
    BLOCKS,
    DIMENSION,
    FeatureScale,
    Statistics,
    check_dated,
    default_statistics,
    parse_statistics,
    statistics_text,
    vector_of,
    vectors_of,
)

SCALES = {name: FeatureScale(float(i % 3), 0.5 + i % 4, 10) for i, name in enumerate(FEATURES)}
TEXT = statistics_text(source="made", from_ns=0, until_ns=T0, scales=SCALES)
STATISTICS = parse_statistics(TEXT)


def by_hand(state: MarketState, statistics: Statistics) -> list[float]:
    """The definition, one number after the other."""
    weights = [weight / math.sqrt(size) for _, size, weight in BLOCKS for _ in range(size)]
    out = []
    for name, value, weight in zip(FEATURES, state.values(), weights, strict=True):
        scale = statistics.scales[name]
        z = 0.0 if value is None else max(-4.0, min(4.0, (value - scale.median) / scale.scale))
        out.append(z * weight)
    length = math.sqrt(sum(v * v for v in out))
    return [v / length for v in out]


def test_the_blocks_have_48_figures_in_the_specified_sizes() -> None:
    assert DIMENSION == 48 == sum(size for _, size, _ in BLOCKS)
    assert BLOCKS == (
        ("price", 10, 1.0),
        ("flow", 10, 1.0),
        ("chan", 14, 1.5),
        ("context", 8, 0.5),
        ("account", 6, 0.5),
    )
    assert (FEATURES[0], FEATURES[10], FEATURES[20], FEATURES[27]) == (
        "return_1", "z_ofi", "stroke_direction", "upper_stroke_direction",
    )  # fmt: skip
    assert (FEATURES[34], FEATURES[42], FEATURES[47]) == ("funding_frac", "exposure_frac", "ladder_level")


@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=48, max_size=48))
def test_the_vector_is_its_definition(values: list[float | None]) -> None:
    state = MarketState(**dict(zip(FEATURES, values, strict=True)))
    vector = vector_of(state, STATISTICS)
    missing = sum(v is None for v in values)
    if vector is None:
        assert missing > 12 or all(v is None or v == s.median for v, s in zip(values, SCALES.values(), strict=True))
        return
    assert vector.missing == missing <= 12
    assert vector.values == pytest.approx(by_hand(state, STATISTICS), abs=1e-12)
    assert sum(v * v for v in vector.values) == pytest.approx(1.0)
    assert all((vector.mask >> i & 1 == 1) == (v is None) for i, v in enumerate(values))


def test_many_at_once_are_as_one_by_one() -> None:
    states = [made_state(i) for i in range(30)] + [MarketState()]
    vectors, masks = vectors_of(states, STATISTICS)
    for state, values, mask in zip(states, vectors, masks, strict=True):
        alone = vector_of(state, STATISTICS)
        assert (
            (values, mask) == (None, (1 << 48) - 1) if alone is None else (alone.values, alone.mask) == (values, mask)
        )


@pytest.mark.parametrize(("missing", "stored"), [(12, True), (13, False)])
def test_more_than_twelve_missing_figures_are_not_stored(missing: int, stored: bool) -> None:
    state = replace(made_state(1), **dict.fromkeys(FEATURES[:missing]))
    assert (vector_of(state, STATISTICS) is not None) == stored


def test_an_outlier_counts_for_four_sigma_and_no_more() -> None:
    huge, large = (replace(made_state(1), return_1=value) for value in (1e300, 1e9))
    assert vector_of(huge, STATISTICS) == vector_of(large, STATISTICS)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_figure_that_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(InvalidArgument, match="z_ofi is"):
        MarketState(z_ofi=value)


def test_a_decision_before_the_end_of_the_fitted_data_would_look_ahead() -> None:
    check_dated(STATISTICS, T0)
    with pytest.raises(InvalidArgument, match="would look ahead"):
        check_dated(STATISTICS, T0 - 1)


def test_the_shipped_statistics_are_sound_and_older_than_the_synthetic_market() -> None:
    statistics = default_statistics()
    check_dated(statistics, T0)
    assert sum(scale.n == 0 for scale in statistics.scales.values()) == 23
    assert statistics.sha256 == "1a3ebf2e907fac13d9ad1399663a92e8e8af4370277ff50183d0c09625b7b750"


def changed(**more: object) -> str:
    return json.dumps({**json.loads(TEXT), **more})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be read"),
        ("[]", "cannot be read"),
        ("{}", "cannot be read"),
        (TEXT.replace('"n": 10', '"n": 11', 1), "do not match their sha256"),
        (changed(version="market_state/2"), "market_state/2"),
        (changed(until_ns=1), "do not match their sha256"),
        (
            statistics_text(source="s", from_ns=0, until_ns=1, scales={**SCALES, "z_cvd": FeatureScale(0.0, 0.0, 3)}),
            "z_cvd",
        ),
    ],
    ids=["empty", "list", "object", "figure", "version", "date", "no scale"],
)
def test_statistics_that_were_altered_are_refused(text: str, words: str) -> None:
    with pytest.raises(SettingsInvalid, match=words):
        parse_statistics(text)
