"""Clients that write by the letter, or what two readers would read in two ways: raw bytes against a served desk."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator

import anyio
import memory_desk
import pytest
import uvicorn

from chanflow.interfaces.rest.app import build_app
from chanflow.interfaces.rest.patience import PatientH11

pytestmark = pytest.mark.server
HOST = b"Host: localhost\r\n"
GOOD = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
BODY = b'{"name":"list_tools"}'


class HastyH11(PatientH11):
    """As patient as a test can be."""

    max_head_s = 0.3


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        build_app(memory_desk.memory_services()), log_level="critical", ws="none", http=HastyH11, server_header=False
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join(300)
    listener.close()


def _exchange(port: int, *parts: bytes) -> bytes:
    """Return all that the desk writes until it closes the connection, which it must."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        for part in parts:
            connection.sendall(part)
        answer = bytearray()
        try:
            while chunk := connection.recv(65536):
                answer += chunk
        except ConnectionResetError:
            pass
        return bytes(answer)


def _statuses(answer: bytes) -> list[bytes]:
    return re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", answer)


@pytest.mark.parametrize("head", [b"", b"G", b"GET /healthz HTTP/1.1\r\nHost: local"], ids=["silent", "letter", "half"])
def test_a_head_that_does_not_arrive_ends_the_connection(port: int, head: bytes) -> None:
    assert _statuses(_exchange(port, head)) == [b"408"]


def test_a_head_that_trickles_is_not_waited_for_anew_with_each_letter(port: int) -> None:
    stop = threading.Event()
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX: ")

        def trickle() -> None:
            try:
                while not stop.wait(0.05):
                    connection.sendall(b"a")
            except OSError:
                return

        thread = threading.Thread(target=trickle)
        thread.start()
        try:
            assert connection.recv(100).startswith(b"HTTP/1.1 408 ")
        finally:
            stop.set()
            thread.join(60)


def test_the_next_head_of_a_connection_is_timed_too(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(GOOD)
        assert _statuses(connection.recv(65536)) == [b"200"]
        connection.sendall(b"GET / HT")
        assert _statuses(connection.recv(65536)) == [b"408"]
        assert connection.recv(1) == b""


def test_a_request_that_is_served_is_not_cut_off() -> None:
    """The desk may think for longer than a head may take."""

    async def thinks(scope: dict, receive: object, send: Callable) -> None:  # type: ignore[type-arg]
        await anyio.sleep(0.9)
        await send({"type": "http.response.start", "status": 204, "headers": [(b"connection", b"close")]})
        await send({"type": "http.response.body", "body": b""})

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(
            uvicorn.Config(thinks, log_level="critical", ws="none", http=HastyH11, lifespan="off")
        )  # fmt: skip
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        assert _statuses(_exchange(listener.getsockname()[1], GOOD)) == [b"204"]
        server.should_exit = True
        thread.join(300)


def _post(*headers: bytes, body: bytes = BODY) -> bytes:
    lines = [b"POST /api/v2/mcp/tools/call HTTP/1.1", b"Host: localhost", b"Content-Type: application/json", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


SMUGGLED = b"GET /api/v2/positions HTTP/1.1\r\nHost: localhost\r\n\r\n"
AMBIGUOUS = {
    "two lengths": _post(b"Content-Length: 21", b"Content-Length: 3"),
    "a length that is none": _post(b"Content-Length: +21"),
    "a negative length": _post(b"Content-Length: -1"),
    "an unknown coding": _post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
    "a coding in disguise": _post(b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n" + SMUGGLED),
    "two codings": _post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", body=b"0\r\n\r\n"),
    "a chunk of no size": _post(b"Transfer-Encoding: chunked", body=b"zz\r\n\r\n"),
    "a space before the colon": _post(b"Content-Length : 21"),
    "a folded first header": b"GET / HTTP/1.1\r\n Host: localhost\r\n\r\n",
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /healthz HTTP/1.1\r\n" + HOST * 2 + b"\r\n",
    "a null in a header": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: a\x00b\r\n\r\n",
    "a bare return in a header": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: a\rX-Forwarded-For: 1.1.1.1\r\n\r\n",
    "a head of a megabyte": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 1_000_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("request_", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_what_could_be_read_in_two_ways_is_read_in_none(port: int, request_: bytes) -> None:
    answer = _exchange(port, request_)
    assert _statuses(answer) == [b"400"], answer[:300]
    assert b"Traceback" not in answer


@pytest.mark.parametrize("smuggled", [SMUGGLED, SMUGGLED[:1]], ids=["whole", "begun"])
def test_a_length_beside_chunks_is_refused_and_what_follows_is_not_read(port: int, smuggled: bytes) -> None:
    smuggling = _post(b"Content-Length: 6", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + smuggled)
    answer = _exchange(port, smuggling)
    assert _statuses(answer) == [b"422"]
    assert b'"field":"Transfer-Encoding"' in answer


@pytest.mark.parametrize(
    "host",
    [
        b"localhost.attacker.example", b"localhost@attacker.example", b"attacker.example:localhost", b"localhost:80:80",
        b"localhost/attacker", "ⅼocalhost".encode(), "localhost\u3002".encode(), b"xn--localhost-", b"127.1", b"0x7f.1",
        b"2130706433", b"localhost,attacker.example", b"[::ffff:127.0.0.1]", b"",
    ],
)  # fmt: skip
def test_a_host_that_only_looks_like_ours_is_refused(port: int, host: bytes) -> None:
    answer = _exchange(port, b"GET /healthz HTTP/1.1\r\nConnection: close\r\nHost: " + host + b"\r\n\r\n")
    assert _statuses(answer)[0] in (b"421", b"400")


@pytest.mark.parametrize(
    "path",
    [
        b"/api/v2/alerts/..%2f..%2fetc%2fpasswd", b"/api/v2/alerts/%2e%2e/keys", b"/../../etc/passwd",
        b"/api/v2/alerts/al_%00", b"/%ff%fe", b"//attacker.example/%2e%2e", b"/api/v2/keys/..;/audit",
        b"/api/v2/alerts/al_" + b"a" * 5_000,
    ],
)  # fmt: skip
def test_a_path_is_never_a_file(port: int, path: bytes) -> None:
    answer = _exchange(port, b"GET " + path + b" HTTP/1.1\r\nConnection: close\r\n" + HOST + b"\r\n")
    assert _statuses(answer)[0] in (b"404", b"405", b"422")
    assert b"root:" not in answer
    assert b"ocation:" not in answer
