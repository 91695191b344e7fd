"""The triggers of exits that were moved: what an amendment asked for, from when the venue has said that it holds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any


class MovedTriggers:
    """Follows a journal, record by record."""

    def __init__(self) -> None:
        self._asked: dict[str, Decimal] = {}
        self._granted: dict[str, Decimal] = {}

    def take(self, kind: str, body: Any) -> tuple[str, Decimal] | None:
        """Take a record's kind and body. Returns the exit that it moves, by client id, and its new trigger in quote."""
        if kind == "amend_intent" and body["change"]["trigger_price"] is not None:
            self._asked[body["client_order_id"]] = Decimal(body["change"]["trigger_price"])
        elif kind == "venue_event" and body["kind"] == "amended" and body["client_order_id"] in self._asked:
            client_id = body["client_order_id"]
            self._granted[client_id] = self._asked.pop(client_id)
            return client_id, self._granted[client_id]
        return None

    def of(self, client_id: str) -> Decimal | None:
        """Return where an exit's trigger was moved to; None where it stands as it was placed."""
        return self._granted.get(client_id)
