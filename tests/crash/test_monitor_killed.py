"""A monitor that is killed before any write wakes the analyst once for each trigger, whatever its kind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CHILD = Path(__file__).with_name("monitor_child.py")
SUPPORT = Path(__file__).parents[1] / "support"

pytestmark = [pytest.mark.slow, pytest.mark.crash]


def test_each_trigger_of_every_kind_fires_once_whenever_its_desk_is_killed(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(CHILD), str(tmp_path)], check=False, capture_output=True, text=True, timeout=300,
        env={**os.environ, "PYTHONPATH": str(SUPPORT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["faults"] == {}
    assert told["killed"] == told["points"] >= 67
