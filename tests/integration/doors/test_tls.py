"""`chanflow serve` over TLS of its own, as a process, asked by a client that believes its certificate alone."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from commands import environment
from made_access import viewer_key
from made_outside import certificate

from chanflow.interfaces.rest.edge import HSTS
from chanflow.runtime.home import Home

NAME = "desk.example"


@pytest.mark.server
@pytest.mark.timeout(180)
def test_a_desk_speaks_tls_beyond_loopback_to_who_names_it(tmp_path: Path) -> None:
    cert, secret = certificate(tmp_path, NAME)
    secret.chmod(0o600)
    text = asyncio.run(viewer_key(Home(tmp_path / "home")))
    asked = [
        "access.required=true", f"http.allowed_hosts={NAME}", f"http.tls_cert={cert}", f"http.tls_key={secret}",
        f"http.public_url=https://{NAME}/mcp",
    ]  # fmt: skip
    flags = [part for each in asked for part in ("--set", each)]
    program = [sys.executable, "-m", "chanflow", "serve", "--host", "0.0.0.0", "--port", "0", *flags]
    with subprocess.Popen(
        program, env=environment(tmp_path / "home"), stdout=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("chanflow listens on https://0.0.0.0:")
            port = int(line.split(":")[2].split("/")[0])
            trust = ssl.create_default_context(cafile=str(cert))
            with httpx.Client(verify=trust, base_url=f"https://127.0.0.1:{port}", trust_env=False) as client:
                told = {"headers": {"Host": NAME}, "extensions": {"sni_hostname": NAME}}
                front = client.get("/", **told)
                assert (front.status_code, front.headers["strict-transport-security"]) == (200, HSTS)
                assert client.get("/api/v2/status", **told).status_code == 401
                told["headers"] = {"Host": NAME, "Authorization": f"Bearer {text}", "X-Forwarded-For": "10.0.0.1"}
                assert client.get("/api/v2/status", **told).status_code == 200
                told["headers"]["Host"] = "evil.example"
                assert client.get("/api/v2/status", **told).status_code == 421
        finally:
            process.terminate()
            process.wait(60)
