"""Addresses and secrets of webhooks: made here, sealed for the database, opened to send."""

from __future__ import annotations

import json
from collections.abc import Callable

from chanflow.adapters.storage.sealed import Seal
from chanflow.monitor.webhook import Webhook

_SECRET_BYTES = 32


class WebhookSafe:
    """Seals each webhook to its alert. `random_bytes` has to be the system's."""

    def __init__(self, pepper: bytes, random_bytes: Callable[[int], bytes]) -> None:
        self._seal, self._random_bytes = Seal(pepper, random_bytes), random_bytes

    def new_secret(self) -> str:
        """Return a secret of 256 random bits."""
        return f"whsec_{self._random_bytes(_SECRET_BYTES).hex()}"

    def sealed(self, alert_id: str, webhook: Webhook) -> str:
        """Return the webhook as the database may keep it."""
        return self._seal.sealed(json.dumps([webhook.url, webhook.secret]).encode(), _row(alert_id))

    def opened(self, alert_id: str, text: str) -> Webhook:
        """Return a webhook that was sealed. Raises StorageUnwritable for one that does not open."""
        url, secret = json.loads(self._seal.opened(text, _row(alert_id)))
        return Webhook(url, secret)


def _row(alert_id: str) -> str:
    return f"webhook of {alert_id}"
