from __future__ import annotations

import pytest

from chanflow.domain.errors import InvalidArgument
from chanflow.features.reference.bar import Bar, check

GOOD = Bar(0, 1.0, 2.0, 0.5, 1.5)


@pytest.mark.parametrize(
    ("bar", "words"),
    [
        (Bar(1, 1.0, float("inf"), 0.5, 1.5), "bar 1: a price is not finite"),
        (Bar(1, 1.0, 1.2, 0.5, 1.5), "bar 1: open or close lies outside 0.5 to 1.2"),
        (Bar(0, 1.0, 2.0, 0.5, 1.5), "bar 1: ts_ms 0 does not rise above 0"),
    ],
)
def test_a_malformed_bar_is_named(bar: Bar, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        check([GOOD, bar])


def test_well_formed_bars_pass() -> None:
    check([GOOD, Bar(1, 2.0, 2.0, 2.0, 2.0)])
