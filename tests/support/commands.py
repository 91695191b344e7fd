"""The `chanflow` command as a person starts it: a process of its own, with a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

CHANFLOW = (sys.executable, "-m", "chanflow")


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return a clean environment with `home` as the data directory."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "CHANFLOW_HOME": str(home), **more}


def chanflow(home: Path, *arguments: str, given: str | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, with what it is `given` as standard input."""
    return subprocess.run(
        [*CHANFLOW, *arguments], env=environment(home, **more), capture_output=True, text=True, check=False,
        timeout=300, cwd=home.parent, input=given,
    )  # fmt: skip


def start(home: Path, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start the command and leave it running."""
    return subprocess.Popen(
        [*CHANFLOW, *arguments], env=environment(home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        cwd=home.parent,
    )  # fmt: skip


def journals(home: Path) -> list[Path]:
    """Return the journals in a data directory, oldest run first."""
    return sorted((home / "runs").glob("*/journal/journal-*.jsonl"))


def sha_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the hash that a run printed on its last line."""
    assert done.returncode == 0, done.stderr
    prefix, _, digest = done.stdout.strip().splitlines()[-1].rpartition(" ")
    assert prefix == "journal sha256:"
    assert len(digest) == 64
    return digest


def market_data() -> Path:
    """Return the folder of recorded market data, or skip."""
    root = Path(os.environ.get("CHANFLOW_TEST_DATA", Path(__file__).parents[2].parent / "shared")) / "data"
    if not root.is_dir():
        pytest.skip(f"no recorded market data at {root}: set CHANFLOW_TEST_DATA")
    return root
