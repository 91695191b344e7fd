from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from chanflow.adapters.llm.providers import Kind, Provider
from chanflow.adapters.llm.reach import asked_for_models

KEY = "sk-canary-0123456789abcdef"


@contextmanager
def _server(status: int, body: bytes) -> Iterator[tuple[str, list[tuple[str, dict[str, str]]]]]:
    asked: list[tuple[str, dict[str, str]]] = []

    class Door(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return None

    with http.server.HTTPServer(("127.0.0.1", 0), Door) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("kind", "path", "header"),
    [
        ("openai_compatible", "/v1/models", ("authorization", f"Bearer {KEY}")),
        ("deepseek", "/v1/models", ("authorization", f"Bearer {KEY}")),
        ("anthropic", "/v1/models", ("x-api-key", KEY)),
    ],
)
async def test_a_provider_that_answers_is_reached(kind: Kind, path: str, header: tuple[str, str]) -> None:
    with _server(200, b'{"data": [{"id": "a"}, {"id": "b"}]}') as (at, asked):
        provider = Provider("p", kind, api_key=KEY, base_url=f"{at}/v1")
        assert await asked_for_models(provider) == (True, "it answers, with 2 models")
    ((asked_path, headers),) = asked
    assert asked_path == path
    assert headers[header[0]] == header[1]


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, b"{}", "it does not take the key (status 401)"),
        (404, b"", "it lists no models there (status 404)"),
        (302, b"", "it does not answer as one that serves models (status 302)"),
        (200, b"<html>", "what it answers is no list of models"),
        (200, b'{"data": 7}', "what it answers is no list of models"),
        (200, b"[]", "what it answers is no list of models"),
        (200, b" " * 4_000_001, "its list of models is longer than 4000000 bytes"),
    ],
)
async def test_any_other_answer_is_told_in_a_few_words(status: int, body: bytes, words: str) -> None:
    with _server(status, body) as (at, _):
        assert await asked_for_models(Provider("p", "ollama", base_url=at)) == (False, words)


async def test_a_closed_door_is_told() -> None:
    with _server(200, b"") as (at, _):
        pass
    reached, words = await asked_for_models(Provider("p", "deepseek", api_key=KEY, base_url=at))
    assert not reached
    assert words.startswith("it cannot be reached (Connect")
