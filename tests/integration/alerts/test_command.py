"""`chanflow alerts` and the line of `chanflow doctor`, as a person gives them; no output has a secret."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from made_alerts import alert
from made_receivers import free_port, web_hook
from typer.testing import CliRunner

from chanflow.adapters.notify.outbox import Outbox, Place
from chanflow.interfaces.cli.app import app

pytestmark = pytest.mark.server


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHANFLOW_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def _run(*arguments: str, port: int = 9, scheme: str = "json") -> tuple[int, str]:
    Path("desk.yaml").write_text(
        f"alerts: {{channels: {{ops: {{url: '{scheme}://me:s3cret@127.0.0.1:{port}/s3cret', min_severity: info}}}}}}"
    )
    done = CliRunner().invoke(app, [*arguments, "--config", "desk.yaml"], env={"COLUMNS": "300"})
    assert "s3cret" not in done.output
    return done.exit_code, done.output


def _kept(home: Path) -> None:
    with closing(Outbox(home / "alerts.db")) as outbox:
        number = outbox.place("1", alert("loss"), [Place("ops", 0)], 0)
        outbox.failed("ops", [number], "json://127.0.0.1 answered 503", 1)


def test_a_test_message_goes_over_the_channel() -> None:
    with web_hook() as hook:
        code, printed = _run("alerts", "test", "ops", port=hook.port)
        assert b"chanflow can reach you" in hook.bodies[0]
    assert (code, printed.partition(" in ")[0]) == (0, "ops: json://127.0.0.1 took it")


def test_a_channel_that_does_not_take_the_test_fails_the_command() -> None:
    code, printed = _run("alerts", "test", port=free_port())
    assert (code, "could not be reached" in printed) == (6, True)


def test_status_shows_what_waits_and_why(home: Path) -> None:
    _kept(home)
    code, printed = _run("alerts", "status")
    assert code == 0
    assert "ops: json://127.0.0.1 min_severity=info\n  1 waiting, 0 messages sent, 1 attempts failed" in printed
    assert "json://127.0.0.1 answered 503" in printed


def test_the_list_shows_what_became_of_each(home: Path) -> None:
    _kept(home)
    assert _run("alerts", "list") == (0, "1970-01-01T00:00:00Z warning  loss [ops waiting]\n")


def test_asking_makes_no_file(home: Path) -> None:
    assert _run("alerts", "list") == (0, "no alert is kept\n")
    assert not (home / "alerts.db").exists()


def test_doctor_has_a_line_of_alerts(home: Path) -> None:
    _kept(home)
    code, printed = _run("doctor")
    assert (code, "alerts          ops failing, 1 waiting" in printed) == (0, True)


def test_doctor_names_a_channel_whose_address_nobody_can_tell() -> None:
    code, printed = _run("doctor", scheme="nothing")
    assert (code, "alerts          alerts.channels is wrong at ops.url: nothing://…" in printed) == (0, True)
