"""What holds for every test: sockets reach this machine only, and under CI a skip must be an allowed one."""

from __future__ import annotations

import decimal
import os
import signal
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

# Some tests bound the size of files. A module's bytecode, cut short by that bound, would spoil every later import.
sys.dont_write_bytecode = True
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"

# A shell starts what runs in the background with Ctrl-C ignored, and commands that a test interrupts would inherit it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

FILES_TOGETHER = ("tests/acceptance/", "tests/contract/", "tests/integration/")
"""Here a file starts servers and desks that all its tests use."""

CLUSTERS = ("tests/contract/pool/test_pool.py", "tests/integration/test_scan_command.py",
            "tests/unit/adapters/compute/test_dask.py")  # fmt: skip
"""These start a cluster of several processes each, and one cluster at a time is enough."""

ALLOWED = [row["matches"] for row in tomllib.loads((Path(__file__).parent / "allowed_skips.toml").read_text())["skip"]]
_forbidden: list[str] = []

# How long an example takes to draw says more of the machine than of the test.
settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("local"), derandomize=True, print_blob=True)
settings.register_profile("deep", settings.get_profile("ci"), max_examples=10_000)
settings.load_profile("ci" if os.environ.get("CI") else "local")


class Together(LoadScopeScheduling):
    """Gives each worker whole files where a file shares what it starts, and single tests elsewhere."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        if path in CLUSTERS:
            return "clusters"
        return path if path.startswith(FILES_TOGETHER) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Together:
    """Return who hands out tests. The marks of `--dist loadgroup` do nothing with pytest 9.2 (pytest-xdist #1386)."""
    return Together(config, log)  # type: ignore[arg-type]


def pytest_runtest_setup() -> None:
    """Let decimals round as they do at first: ccxt, where a test uses it, rounds otherwise for good."""
    decimal.setcontext(decimal.Context())


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
