"""Channels through apprise: mail, webhooks, chat services, SMS gateways. One object per address, used by one thread.

apprise says yes or no and writes the reason to its own log; that log may hold what nobody should read, so none of it
goes on: of the lines of our own thread, only the kind of failure is taken.
"""

from __future__ import annotations

import logging
import re
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from chanflow.adapters.notify.address import shown_address
from chanflow.domain.alert import Message, Severity
from chanflow.domain.errors import DeliveryFailed, InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Iterator

_KINDS: dict[Severity, str] = {"info": "info", "warning": "warning", "critical": "failure"}
_REASONS = (
    (re.compile(r"error=([45]\d\d)"), "answered {}"),
    (re.compile(r"(?i)connection error"), "could not be reached"),
    (re.compile(r"(?i)authenticat|unauthori[sz]ed|credential"), "refused the credentials"),
    (re.compile(r"(?i)time[d ]?.?out"), "did not answer in time"),
)


class AppriseChannel:
    """One address that apprise can reach."""

    def __init__(self, url: str) -> None:
        """Raise InvalidArgument, without the address, for one that apprise does not know."""
        self._address = shown_address(url)
        plugin = _plugin_of(url)
        if plugin is None:
            raise InvalidArgument(f"{self._address} is no address that can be told: see docs/alerts.md", field="url")
        # Its own pause between messages would only eat the time of the next one: ours are limited before they come.
        plugin.request_rate_per_sec = 0
        self._plugin: Any = plugin

    def __repr__(self) -> str:
        return f"AppriseChannel({self._address})"

    @property
    def address(self) -> str:
        """Scheme and host at most."""
        return self._address

    def send(self, message: Message, *, cap_s: float) -> None:
        """Send it. Raises DeliveryFailed with the kind of failure."""
        plugin = self._plugin
        plugin.socket_connect_timeout = plugin.socket_read_timeout = cap_s
        with _lines_of_this_thread() as lines:
            try:
                taken = plugin.notify(
                    title=message.title, body=message.body, notify_type=_KINDS[message.severity], body_format="text"
                )
            except Exception as fault:  # noqa: BLE001  (plugins of many authors; the words may hold an address)
                raise DeliveryFailed(f"{self._address} failed: {type(fault).__name__}") from None
        if not taken:
            raise DeliveryFailed(f"{self._address} {_reason(lines)}")


def _reason(lines: list[str]) -> str:
    for pattern, words in _REASONS:
        for line in lines:
            if (found := pattern.search(line)) is not None:
                return words.format(*found.groups())
    return "did not take the message"


def _plugin_of(url: str) -> Any:
    """Return apprise's object for an address, None where it knows none. Its log goes nowhere from here on."""
    logging.getLogger("apprise").propagate = False
    with warnings.catch_warnings():
        # What its plugins import that Python gives up is no news to those who run a desk.
        warnings.simplefilter("ignore", DeprecationWarning)
        import apprise

        asset = apprise.AppriseAsset(plugin_paths=[], secure_logging=True)
        return apprise.Apprise.instantiate(url, asset=asset)


@contextmanager
def _lines_of_this_thread() -> Iterator[list[str]]:
    """Collect what apprise logs in this thread while the block runs."""
    lines: list[str] = []
    handler = _Collector(lines, threading.get_ident())
    logger = logging.getLogger("apprise")
    logger.addHandler(handler)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)


class _Collector(logging.Handler):
    def __init__(self, lines: list[str], thread: int) -> None:
        super().__init__(logging.WARNING)
        self._lines, self._thread = lines, thread

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread and len(self._lines) < 50:
            self._lines.append(record.getMessage()[:500])
