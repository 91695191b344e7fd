"""`chanflow llm-server` as a process: its first line, its answers, its end, and what it refuses."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

pytestmark = [pytest.mark.server, pytest.mark.slow]
PROGRAM = [sys.executable, "-m", "chanflow", "llm-server"]


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_by_its_script_and_ends_when_told_to(tmp_path: Path, end: int) -> None:
    script = tmp_path / "script.yaml"
    script.write_text("- reply: {text: 你好}\n", encoding="utf-8")
    words = ["--script", str(script), "--model", "one", "--model", "two"]
    with subprocess.Popen([*PROGRAM, *words], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            request = {"model": "one", "messages": [{"role": "user", "content": "hi"}]}
            reply = httpx.post(f"{told['base_url']}/chat/completions", json=request, timeout=300).json()
        finally:
            process.send_signal(end)
            assert process.wait(300) == 0
    assert (told["models"], told["rules"], told["ready"]) == (["one", "two"], 1, True)
    assert reply["choices"][0]["message"]["content"] == "你好"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--script", "nowhere.yaml"], "script nowhere.yaml cannot be read: No such file or directory"),
        (["--script", "bad.yaml"], "rule 1, fault: kind 'explode' is none of"),
        (["--script", "latin.yaml"], "script latin.yaml is not UTF-8"),
        (["--port", "70000"], "--port is 70000, allowed is 0 to 65535"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_2(tmp_path: Path, words: list[str], told: str) -> None:
    (tmp_path / "bad.yaml").write_text("- fault: explode\n")
    (tmp_path / "latin.yaml").write_bytes(b"\xff\xfe\xff")
    done = subprocess.run([*PROGRAM, *words], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
