"""WebSockets through picows, which hands over a frame in a microsecond; the receive time is taken once a read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chanflow.domain.errors import VenueBusy
from chanflow.domain.time import Clock
from chanflow.market.ports import Connection, FrameSink

if TYPE_CHECKING:
    import picows

MAX_FRAME_BYTES = 16 << 20
OPEN_TIMEOUT_S = 10.0


class PicowsConnector:
    """Opens sockets. Receive times are the wall clock at the opening, carried on by the monotonic one: no step."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def open(self, url: str, sink: FrameSink) -> Connection:
        """Return an open connection that feeds `sink`. Raises VenueBusy where it cannot be had."""
        import picows

        listener_type = _listener_type()
        try:
            transport, _ = await picows.ws_connect(
                lambda: listener_type(sink, self._clock), url, websocket_handshake_timeout=OPEN_TIMEOUT_S,
                enable_auto_pong=True, enable_auto_ping=False, max_frame_size=MAX_FRAME_BYTES,
                logger_name="chanflow.socket", max_redirects=0,
            )  # fmt: skip
        except (OSError, TimeoutError, picows.WSError, ValueError) as cause:
            raise VenueBusy(f"{_host(url)} does not open: {str(cause)[:200] or type(cause).__name__}") from cause
        return _PicowsConnection(transport)


class _PicowsConnection:
    def __init__(self, transport: picows.WSTransport) -> None:
        self._transport = transport

    def send(self, message: bytes) -> None:
        import picows

        if not self._transport.is_disconnected:
            self._transport.send(picows.WSMsgType.TEXT, message)

    def ping(self) -> None:
        if not self._transport.is_disconnected:
            self._transport.send_ping()

    def pause(self) -> None:
        if not self._transport.is_disconnected:
            self._transport.underlying_transport.pause_reading()

    def resume(self) -> None:
        if not self._transport.is_disconnected:
            self._transport.underlying_transport.resume_reading()

    def close(self) -> None:
        if not self._transport.is_disconnected:
            self._transport.disconnect(graceful=False)


def _listener_type() -> Any:
    """Return the class that picows feeds; it needs picows to be made."""
    import picows

    text, pong, close, more = (
        picows.WSMsgType.TEXT, picows.WSMsgType.PONG, picows.WSMsgType.CLOSE, picows.WSMsgType.CONTINUATION,
    )  # fmt: skip

    class Listener(picows.WSListener):
        def __init__(self, sink: FrameSink, clock: Clock) -> None:
            self._take = sink.frame
            self._sink = sink
            self._monotonic_ns = clock.monotonic_ns
            self._anchor_ns = clock.now_ns() - clock.monotonic_ns()
            self._fresh = True
            self._recv_ns = 0
            self._begun = b""
            self._reason = "the connection broke"

        def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
            if self._fresh:
                self._recv_ns = self._anchor_ns + self._monotonic_ns()
            self._fresh = frame.last_in_buffer
            kind = frame.msg_type
            if kind == text and frame.fin:
                self._take(frame.get_payload_as_bytes(), self._recv_ns)
            elif kind in {text, more}:
                self._piece(transport, frame)
            elif kind == pong:
                self._sink.pong()
            elif kind == close:
                self._reason = f"the venue closed it with {frame.get_close_code()}"
                transport.disconnect()
            else:
                # Text was asked for; what else comes is kept as a dead letter.
                self._take(frame.get_payload_as_bytes(), self._recv_ns)

        def _piece(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
            self._begun += frame.get_payload_as_bytes()
            if len(self._begun) > MAX_FRAME_BYTES:
                self._reason = f"a message is longer than {MAX_FRAME_BYTES} bytes"
                transport.disconnect(graceful=False)
            elif frame.fin:
                whole, self._begun = self._begun, b""
                self._take(whole, self._recv_ns)

        def on_ws_disconnected(self, transport: picows.WSTransport) -> None:  # noqa: ARG002  (the library's)
            self._sink.closed(self._reason)

    return Listener


def _host(url: str) -> str:
    return url.split("?", 1)[0]
