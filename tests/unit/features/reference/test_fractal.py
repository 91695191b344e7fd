from __future__ import annotations

import pytest

from chanflow.features.reference.fractal import kind_of, kinds
from chanflow.features.reference.inclusion import Range, merged_bars


@pytest.mark.parametrize(
    ("left", "middle", "right", "kind"),
    [
        ((10, 8), (12, 9), (11, 8.5), "top"),
        ((10, 8), (9, 6), (11, 7), "bottom"),
        ((10, 8), (11, 9), (12, 10), None),
        ((10, 9), (12, 9), (11, 8), None),
        ((12, 8), (12, 9), (11, 8), None),
    ],
    ids=["top", "bottom", "rise", "equal low", "equal high"],
)
def test_a_fractal_is_strictly_beyond_both_neighbours(left, middle, right, kind) -> None:
    assert kind_of(Range(*left), Range(*middle), Range(*right)) == kind


def test_the_last_bar_is_not_judged(steps) -> None:
    assert kinds(merged_bars(steps([1, 2, 3, 2, 1, 2]))) == [None, None, "top", None, "bottom", None]
