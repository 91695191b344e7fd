"""Recorded samples of what venues send: endpoints with their answers, and frames of their sockets."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SAMPLES = Path(os.environ.get("CHANFLOW_TEST_DATA", str(ROOT.parent / "shared"))) / "data" / "samples"


def present(folder: str) -> Path:
    """Return a folder of samples, or skip the test where there is none."""
    path = SAMPLES / folder
    if not path.exists():
        pytest.skip(f"MARKET DATA ABSENT: {path} is not there; set CHANFLOW_TEST_DATA")
    return path


def endpoint(path: Path) -> tuple[str, str, Any]:
    """Return (method, path, answer) of a recorded endpoint; the answer None where it is empty."""
    method, where, _, *rest = path.read_text(encoding="utf-8-sig").splitlines()
    text = "\n".join(rest).strip()
    return method.strip(), where.strip(), json.loads(tidy(text)) if text else None


def frames(path: Path) -> list[bytes]:
    """Return the frames that a recorded subscription brought."""
    found = []
    for piece in re.split(r"(?m)^[=]", path.read_text(encoding="utf-8-sig"))[1:]:
        body = re.split(r"(?m)^[<>]", piece)[0].strip()
        found.append(json.dumps(json.loads(tidy(body))).encode())
    return found


def tidy(text: str) -> str:
    """Return JSON without what the recorders added by hand: comments and commas before a closing bracket."""
    bare = re.sub(r'("(?:[^"\\]|\\.)*")|//[^\n]*', lambda m: m[1] or "", text)
    return re.sub(r",(\s*[}\]])", r"\1", bare)
