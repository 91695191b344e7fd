"""Asks the desk that runs on a data directory, through its door on this machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from chanflow.runtime.door_file import door_headers, door_url


def open_path(root: Path, path: str, body: Mapping[str, Any] | None, *, timeout_s: float) -> HTTPResponse | None:
    """Return what the running desk answers at a path of its API, None where no door is told; close it after reading.

    With `body` it is a POST. Raises urllib.error.HTTPError for a refusal, URLError or OSError where nobody answers.
    """
    url = door_url(root)
    if url is None:
        return None
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json", **door_headers(root)}
    request = Request(f"{url}/api/v2{path}", data, headers)  # noqa: S310 - loopback
    answer: HTTPResponse = build_opener(ProxyHandler({})).open(request, timeout=timeout_s)
    return answer
