"""Questions in words over REST, as server-sent events, and at the command line."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import httpx
import memory_desk as desk
import pytest

from chanflow.interfaces.cli.chat import run_chat
from chanflow.runtime.door_file import standing_door
from chanflow.runtime.settings import load_settings

pytestmark = pytest.mark.server


def events(url: str, **body: Any) -> list[tuple[str, dict[str, Any]]]:
    found, kind = [], ""
    with httpx.stream("POST", f"{url}/api/v2/chat", json=body, timeout=300) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        for line in response.iter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                found.append((kind, json.loads(value)))
    return found


def test_an_answer_streams_its_steps(desk_url: str) -> None:
    found = events(desk_url, text="find all 1m second buys and backtest them")
    kinds = [kind for kind, _ in found]
    assert kinds[0] == "plan"
    assert kinds[-1] == "answer"
    assert kinds.count("started") == kinds.count("done") == 2
    assert "Backtest: " in found[-1][1]["text"]


def test_a_change_is_made_after_a_second_call_with_the_token(desk_url: str) -> None:
    first = events(desk_url, text="停止交易")
    assert first[-1][0] == "confirm"
    again = events(desk_url, text="停止交易", confirm=first[-1][1]["token"])
    assert ("started", {"id": "halt", "operation": "halt"}) in again


@pytest.mark.parametrize(
    ("body", "field"), [({}, "text"), ({"text": 1}, "text"), ({"text": ""}, "text"), ({"text": "x" * 2001}, "text"),
                        ({"text": "halt", "confirm": 1}, "confirm"), ({"text": "halt", "wings": 1}, "body")],
)  # fmt: skip
def test_a_question_that_is_none_is_refused_with_its_field(desk_url: str, body: dict[str, Any], field: str) -> None:
    response = httpx.post(f"{desk_url}/api/v2/chat", json=body, timeout=300)
    assert response.status_code == 422
    assert response.json()["field"] == field


def chat(home: Path, text: str, *, yes: bool = False, as_json: bool = False) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = run_chat(
        text, home=home, loaded=load_settings(config=None, overrides=(), environ={"CHANFLOW_HOME": str(home)}),
        open_services=lambda _: desk.memory_services(), yes=yes, as_json=as_json, out=out, err=err,
        ask=lambda _: False,
    )  # fmt: skip
    return code, out.getvalue(), err.getvalue()


def test_the_command_line_asks_the_running_desk(desk_url: str, tmp_path: Path) -> None:
    url = httpx.URL(desk_url)
    with standing_door(tmp_path, url.host, url.port or 0):
        code, out, err = chat(tmp_path, "structure of ETHUSDT 1m")
    assert code == 0
    assert out.startswith("ETHUSDT 1m: trend")
    assert err == "· analyze_structure\n"


def test_without_a_desk_it_answers_from_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "door.json").write_text('{"host": "127.0.0.1", "port": 9}')
    code, out, _ = chat(tmp_path, "ETHUSDT 1分钟结构")
    assert (code, out.splitlines()[0].startswith("ETHUSDT 1m：走势")) == (0, True)


def test_what_changes_something_is_left_undone_without_a_yes(tmp_path: Path) -> None:
    code, out, err = chat(tmp_path, "halt")
    assert (code, out) == (1, "")
    assert "These change something; do them? halt" in err
    code, out, _ = chat(tmp_path, "halt", yes=True)
    assert "halt was not done" in out or "Halted" in out


def test_events_can_be_had_as_json(tmp_path: Path) -> None:
    _, out, _ = chat(tmp_path, "hello", as_json=True)
    assert json.loads(out)["event"] == "unclear"
