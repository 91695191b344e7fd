"""The command line: `call` and `serve`."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from made_unified import unified_rows

from chanflow.domain.errors import SettingsInvalid
from chanflow.interfaces.cli.call import call
from chanflow.interfaces.cli.serve import serve
from chanflow.operations.services import Services


def _closed() -> Services:
    raise AssertionError("the desk was opened")


def _run(doors: Any, operation: str, *flags: str) -> tuple[int, Any]:
    out = io.StringIO()
    code = call(operation, flags, lambda: doors._services, out=out)
    return code, json.loads(out.getvalue())


def test_flags_take_dashes_and_equals_signs(doors: Any) -> None:
    code, body = _run(doors, "analyze_structure", "--symbol=BTCUSDT", "--level", "1m", "--as-of=2026-01-01T01:00:00Z")
    assert (code, body["bars"]) == (0, 60)


def test_rows_are_given_as_one_json_text(doors: Any) -> None:
    rows, (price_decimals, qty_decimals) = unified_rows(30)
    decimals = ("--price-decimals", str(price_decimals), "--qty-decimals", str(qty_decimals))
    code, body = _run(doors, "compute_features", "--rows", json.dumps(rows), *decimals, "--finish", "true")
    assert (code, len(body["bins"])) == (0, 30)


@pytest.mark.parametrize("flags", [["BTCUSDT"], ["--symbol"], ["-s", "BTCUSDT"], ["--", "x"]])
def test_what_is_no_flag_with_a_value_is_invalid(doors: Any, flags: list[str]) -> None:
    code, body = _run(doors, "get_klines", *flags)
    assert (code, body["code"]) == (1, "invalid_argument")


def test_an_unknown_operation_is_not_found(doors: Any) -> None:
    code, body = _run(doors, "steal_funds")
    assert (code, body["code"], body["field"]) == (1, "not_found", "name")


@pytest.mark.parametrize("operation", [None, "--help"])
def test_without_an_operation_it_lists_them_and_opens_nothing(operation: str | None) -> None:
    out = io.StringIO()
    assert call(operation, [], _closed, out=out) == 0
    assert "get_klines" in out.getvalue()


def test_help_shows_the_flags_of_an_operation() -> None:
    out = io.StringIO()
    assert call("analyze_structure", ["--help"], _closed, out=out) == 0
    assert "--as-of" in out.getvalue()
    assert "[default: 30m]" in out.getvalue()
    assert "--symbol       string (required)" in out.getvalue()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.10", "desk.example", "", "127.0.0.1.attacker.example"])
def test_a_host_beyond_loopback_is_refused_in_one_sentence(doors: Any, host: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"^this door has neither TLS nor keys, so it listens on loopback alone"):
        serve(doors._services, host=host, port=1, out=io.StringIO())


@pytest.mark.server
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_serve_says_where_it_listens_and_leaves_when_interrupted(host: str) -> None:
    program = [sys.executable, str(Path(__file__).with_name("memory_desk.py")), "serve", host]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        url = line.split()[3]
        assert url.startswith(f"http://{host}:")
        assert httpx.get(f"{url}healthz", timeout=300).json() == {"status": "ok"}
        process.send_signal(signal.SIGINT)
        _, faults = process.communicate(timeout=300)
    assert (process.returncode, faults) == (0, "")
