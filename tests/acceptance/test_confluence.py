"""The desk on confluence: confirmed points (买卖点) with flow feed the analyst."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import chanflow, journals

pytestmark = [pytest.mark.slow]


def test_points_with_flow_feed_the_analyst_when_asked(tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = chanflow(home, "demo", "--seed", "42", "--set", "signals.rule=confluence")
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in journals(home)[0].read_text("utf-8").splitlines()]
    signals = [record["body"] for record in records if record["kind"] == "signal"]
    confirmed = [each for each in signals if each["confirm"]]
    assert len(confirmed) >= 1
    assert all(each["setup"].endswith("_flow") and each["refs"][0].startswith("point:") for each in signals)
    points = [record["body"] for record in records if record["kind"] == "point"]
    assert {each["invalidation_price"] for each in signals} <= {repr(point["price"]) for point in points}
    proposals = [record["body"] for record in records if record["kind"] == "trade_proposal"]
    assert proposals[0]["setup"] == confirmed[0]["setup"]
    assert proposals[0]["evidence"][0]["claim"] == "point_confirmed"
