"""Where a new alert goes beyond the log: to a webhook of its owner's, or over the desk's own channels."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from chanflow.domain.errors import InvalidArgument, OutsideUnreachable
from chanflow.monitor.webhook import Target, Webhook
from chanflow.operations.operation import Asked
from chanflow.operations.outcome import Declined


async def targets_of(alert_id: str, *, webhook: str | None, notify: bool, asked: Asked[Any]) -> list[Target]:
    """Return where a new alert goes; its webhook gets a secret. Raises Declined for an address that may not be asked.

    The desk's own channels tell its operator, so nobody else may have alerts told there.
    """
    principal, targets = asked.principal, list[Target]()
    if notify:
        if principal.kind != "local" and "operator" not in principal.roles:
            sentence = "notify tells over the desk's own channels, which only the role operator may"
            raise Declined("insufficient_scope", sentence, field="notify")
        targets.append(Target(alert_id, "desk", "the desk's channels", None))
    if webhook is not None:
        await _examine(webhook, asked)
        safe = asked.services.alerts.safe()
        sealed = safe.sealed(alert_id, Webhook(webhook, safe.new_secret()))
        targets.append(Target(alert_id, "webhook", shown(webhook), sealed))
    return targets


async def _examine(webhook: str, asked: Asked[Any]) -> None:
    try:
        await asked.services.alerts.outward.examine(webhook, field="webhook")
    except InvalidArgument as fault:
        private = "webhook leads to an address that is not of the public internet: name a public host"
        raise Declined(
            "invalid_argument", str(fault) if fault.field == "webhook" else private, field="webhook"
        ) from None
    except OutsideUnreachable:
        raise Declined("invalid_argument", "the host of webhook has no address", field="webhook") from None


def shown(url: str) -> str:
    """Return what may be said of an address: its scheme and host, since its path may be a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}"[:255]
