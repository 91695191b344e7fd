"""What holds for every test: sockets reach this machine only, and under CI a skip must be an allowed one."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Iterator
from decimal import localcontext
from pathlib import Path

import pytest
from hypothesis import settings

# Some tests bound the size of files. A module's bytecode, cut short by that bound, would spoil every later import.
sys.dont_write_bytecode = True
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"

ALLOWED = [row["matches"] for row in tomllib.loads((Path(__file__).parent / "allowed_skips.toml").read_text())["skip"]]
_forbidden: list[str] = []

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("local", deadline=None)
settings.register_profile("deep", derandomize=True, deadline=None, print_blob=True, max_examples=10_000)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(autouse=True)
def _decimal_context() -> Iterator[None]:
    """Give each test the decimal context as it was: ccxt's rounding of a price changes that of the whole thread."""
    with localcontext():
        yield


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note a skip that nobody allowed."""
    if report.skipped and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2]
        if not any(words in reason for words in ALLOWED):
            _forbidden.append(f"{report.nodeid}: {reason}")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a CI run that skipped what it should have tested."""
    if os.environ.get("CI") and _forbidden and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the forbidden skips."""
    if _forbidden:
        terminalreporter.section("skips that are not in tests/allowed_skips.toml")
        for line in _forbidden:
            terminalreporter.write_line(line)
