"""The tests here share made-up frames, and some read recorded market data."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def market_data() -> Path:
    """Return the folder of recorded market data, or skip."""
    root = Path(os.environ.get("CHANFLOW_TEST_DATA", Path(__file__).parents[4] / "shared")) / "data"
    if not root.is_dir():
        pytest.skip(f"no recorded market data at {root}: set CHANFLOW_TEST_DATA")
    return root
