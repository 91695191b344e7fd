"""What `chanflow serve` gives to the server: TLS where the settings name it, and no belief in headers."""

import io
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from made_outside import certificate

from chanflow.interfaces.cli.serve import listen


def _served(monkeypatch: pytest.MonkeyPatch, app: Any, **asked: Any) -> uvicorn.Config:
    """Return how the server was told to serve."""
    served: list[uvicorn.Config] = []
    monkeypatch.setattr(uvicorn.Server, "run", lambda server: served.append(server.config))
    listen(app, host="127.0.0.1", port=0, out=io.StringIO(), paths="", **asked)
    served[0].load()
    return served[0]


async def test_the_server_itself_believes_nobody_about_where_a_request_comes_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope["client"], scope["scheme"]))

    config = _served(monkeypatch, app)
    headers = [(b"x-forwarded-for", b"198.51.100.7"), (b"x-forwarded-proto", b"https")]
    scope = {"type": "http", "client": ("127.0.0.1", 9), "scheme": "http", "headers": headers}
    await config.loaded_app(scope, None, None)  # type: ignore[arg-type]
    assert seen == [(("127.0.0.1", 9), "http")]


async def test_the_server_speaks_tls_with_the_files_of_the_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cert, key = certificate(tmp_path)
    config = _served(monkeypatch, None, tls=(str(cert), str(key)))
    assert config.is_ssl
    assert config.ssl is not None
