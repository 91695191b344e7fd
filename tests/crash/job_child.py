"""A process for the crash tests to kill: begins the backtest that it is asked for, and hangs in the middle of it."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration" / "doors"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from job_desk import ask, services_at


def hang(bars: Any) -> Any:
    del bars
    print("begun", flush=True)
    time.sleep(3_600)


asyncio.run(ask(services_at(Path(sys.argv[1]), hang), wait_s=20))
time.sleep(3_600)
