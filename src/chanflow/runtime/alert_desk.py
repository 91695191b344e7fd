"""Joins the parts of alerts: settings in, a service or its channels out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from chanflow.adapters.notify.outbox import Outbox
from chanflow.domain.alert import Message, Messenger
from chanflow.domain.errors import InvalidArgument, SettingsInvalid
from chanflow.runtime.alert_settings import AlertsSettings, channel_rules
from chanflow.runtime.alert_sources import RefusalBurst
from chanflow.runtime.alerts import Alerts, Note

if TYPE_CHECKING:
    from chanflow.domain.time import Clock
    from chanflow.runtime.home import Home

TEST_MESSAGE = Message("info", "[test] chanflow can reach you", "This is a test, asked for with chanflow alerts test.")


def open_channels(settings: AlertsSettings) -> dict[str, Messenger]:
    """Return every channel by name. Raises SettingsInvalid for an address that nobody can tell, without showing it."""
    if not settings.channels:
        return {}
    from chanflow.adapters.notify.apprise_channel import AppriseChannel

    opened: dict[str, Messenger] = {}
    for name, each in sorted(settings.channels.items()):
        try:
            opened[name] = AppriseChannel(each.url.get_secret_value())
        except InvalidArgument as fault:
            raise SettingsInvalid(f"alerts.channels is wrong at {name}.url: {fault}") from None
    return opened


@contextmanager
def open_alerts(settings: AlertsSettings, home: Home, clock: Clock, *, on_note: Note) -> Iterator[Alerts]:
    """Give the service of a desk over its data directory. Raises SettingsInvalid, StorageUnwritable."""
    messengers = open_channels(settings)
    home.prepare()
    outbox = Outbox(home.alerts_path)
    url, ping = settings.heartbeat.url.get_secret_value(), None
    if url:
        from chanflow.adapters.notify.heartbeat import ping as ping_address

        ping = partial(ping_address, url, cap_s=settings.attempt_s)
    try:
        yield Alerts(
            rules=channel_rules(settings),
            messengers=messengers,
            outbox=outbox,
            clock=clock,
            attempt_s=settings.attempt_s,
            burst=RefusalBurst(settings.refusals, settings.refusals_s),
            ping=ping,
            ping_every_s=settings.heartbeat.interval_s,
            on_note=on_note,
        )
    finally:
        outbox.close()
