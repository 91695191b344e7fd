from __future__ import annotations

from math import inf

import pytest

from chanflow.domain.errors import InvalidArgument
from chanflow.features.reference.parameters import PRESETS, parameters


@pytest.mark.parametrize("preset", [name for name in PRESETS if name != "default"])
def test_each_preset_differs_from_the_default(preset) -> None:
    assert parameters(preset) != parameters()


@pytest.mark.parametrize(
    ("key", "value", "reached"),
    [
        ("min_zs_cnt", 2, {("stroke", "down"), ("stroke", "up"), ("segment", "down"), ("segment", "up")}),
        ("min_zs_cnt-buy", 2, {("stroke", "down")}),
        ("min_zs_cnt-sell", 2, {("stroke", "up")}),
        ("min_zs_cnt-seg", 2, {("segment", "down"), ("segment", "up")}),
        ("min_zs_cnt-segbuy", 2, {("segment", "down")}),
        ("min_zs_cnt-segsell", 2, {("segment", "up")}),
        ("macd_algo", "area", {("stroke", "down"), ("stroke", "up")}),
    ],
)
def test_a_suffix_says_whom_a_setting_reaches(key, value, reached) -> None:
    plain, moved = parameters().points, parameters("default", {key: value}).points
    assert {side for side in plain if plain[side] != moved[side]} == reached


def test_segments_measure_by_slope_and_count_all_centers() -> None:
    rules = parameters("chanpy").points["segment", "up"]
    assert (rules.macd_algo, rules.bsp1_only_multibi_zs, rules.divergence_rate) == ("slope", False, inf)


def test_an_alias_is_understood() -> None:
    assert parameters("default", {"macd_algo": "volumn_avg"}).points["stroke", "up"].macd_algo == "volume_avg"


@pytest.mark.parametrize(
    ("preset", "settings", "words"),
    [
        ("strict", {}, "preset 'strict' is unknown; allowed: default, chanpy"),
        ("default", {"bi_stric": True}, "parameter 'bi_stric' is unknown; allowed: bi_algo"),
        ("default", {"bi_strict-buy": True}, "parameter 'bi_strict-buy' is unknown"),
        ("default", {"min_zs_cnt-both": 1}, "parameter 'min_zs_cnt-both' is unknown"),
        ("default", {"bi_algo": "fast"}, "bi_algo cannot be 'fast'; allowed: normal, fx, czsc"),
        ("default", {"bi_strict": 1}, "bi_strict cannot be 1; allowed: bool"),
        ("default", {"min_bi_len": 1.5}, "min_bi_len cannot be 1.5; allowed: int"),
        ("default", {"min_zs_cnt": None}, "min_zs_cnt cannot be None"),
        ("default", {"bs_type": "1,4"}, "bs_type has no '4'"),
        ("default", {"macd_algo-seg": "area"}, "has no meaning for segments; allowed: slope, amp"),
    ],
)
def test_a_refusal_says_what_is_allowed(preset, settings, words) -> None:
    with pytest.raises(InvalidArgument, match=words):
        parameters(preset, settings)
