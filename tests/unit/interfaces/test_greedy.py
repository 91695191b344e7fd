"""Options that take several values."""

from __future__ import annotations

import pytest

from chanflow.interfaces.cli.greedy import spread


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (["--wire", "a", "b", "--bin", "1s", "c"], ["--wire", "a", "--wire", "b", "--bin", "1s", "c"]),
        (["--wire=a", "b"], ["--wire=a", "--wire", "b"]),
        (["--wire", "a", "--wire", "b"], ["--wire", "a", "--wire", "b"]),
        (["--wire", "a", "--", "b"], ["--wire", "a", "--", "b"]),
        (["--out", "-", "x"], ["--out", "-", "x"]),
    ],
    ids=["several", "equals", "repeated", "ended", "others"],
)
def test_values_behind_a_name_are_all_of_that_name(given: list[str], wanted: list[str]) -> None:
    assert spread(given, ["--wire"]) == wanted
