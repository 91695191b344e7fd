"""Confirmations: a trade is shown first, and sent only to who says yes to that very trade while it still holds.

A token proves care, not a person: 128 random bits, of which only a hash is kept, for one use within 60 s. Its ticket is
bound by a hash to who asks, to every argument, and to what was shown.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from decimal import Decimal, localcontext
from typing import Any

from pydantic import BaseModel

from chanflow.domain.canonical import decimal_text, sha256_of
from chanflow.domain.confirmation import Ticket
from chanflow.domain.time import NS_PER_S
from chanflow.operations.outcome import CODES, Declined, ErrorBody, Failed
from chanflow.risk.judgement import DIGITS
from chanflow.risk.market_view import MarketView
from chanflow.risk.preview import Figures

LIVES_NS = 60 * NS_PER_S
LEAST_DRIFT_FRAC = Decimal("0.001")
"""So far the price may move between the yes and what was shown, or by the spread where that is wider."""
_FINEST = Decimal("0.000000000001")


class StaleBody(ErrorBody):
    """The body of a confirmation that came too late: what the trade would come to now, and the token for that."""

    preview: Mapping[str, Any]
    confirmation_token: str
    expires_at: str


class Stale(Declined):
    """A confirmation whose trade is no longer what was shown."""

    def __init__(self, message: str, *, preview: BaseModel, token: str, expires_at: str) -> None:
        super().__init__("confirmation_stale", message, suggestion="look at the new preview, and confirm that")
        self._preview, self._token, self._expires_at = preview.model_dump(mode="json"), token, expires_at

    def failed(self, request_id: str) -> Failed:
        """Return the failure with the new preview."""
        return Failed(
            StaleBody(
                code=self.code, message=str(self), retryable=CODES[self.code].retryable, retry_after_ms=None,
                field=None, suggestion=self.suggestion, request_id=request_id, preview=self._preview,
                confirmation_token=self._token, expires_at=self._expires_at,
            )
        )  # fmt: skip


def hash_of_token(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_ticket(
    token: str, asked: Mapping[str, Any], figures: Figures, *, policy_version: str, market: MarketView, now_ns: int
) -> Ticket:
    """Return the ticket of a trade that is shown now; `asked` is who asks, on which account, for what."""
    expires_ns = now_ns + LIVES_NS
    return Ticket(
        token_sha256=hash_of_token(token),
        binding=_binding(asked, figures.worst_loss, policy_version, expires_ns),
        created_ns=now_ns, expires_ns=expires_ns, worst_loss_quote=figures.worst_loss,
        notional_quote=figures.notional, mark_quote=figures.mark, drift_frac=drift_allowed(market),
        policy_version=policy_version,
    )  # fmt: skip


def is_of(ticket: Ticket, asked: Mapping[str, Any]) -> bool:
    """Return whether a ticket is for this caller and these arguments, and is as it was made."""
    mine = _binding(asked, ticket.worst_loss_quote, ticket.policy_version, ticket.expires_ns)
    return hmac.compare_digest(ticket.binding, mine)


def why_stale(ticket: Ticket, figures: Figures, *, policy_version: str, now_ns: int) -> str | None:
    """Return why what was shown holds no longer, in a sentence; None while it does."""
    if now_ns >= ticket.expires_ns:
        return f"a confirmation holds for {LIVES_NS // NS_PER_S} s, and those are over"
    if policy_version != ticket.policy_version:
        return "the rules of the desk have changed since the preview"
    with localcontext(DIGITS):
        moved = abs(figures.mark - ticket.mark_quote) / ticket.mark_quote
        more = figures.worst_loss - ticket.worst_loss_quote
        room = ticket.drift_frac * ticket.notional_quote
    if moved > ticket.drift_frac:
        return f"the price has moved by {moved:.6f} since the preview, allowed are {ticket.drift_frac:f}"
    if more > room:
        return f"the worst loss has grown by {decimal_text(more)} quote since the preview, allowed are {room:f}"
    return None


def drift_allowed(market: MarketView) -> Decimal:
    """Return how far the price may move, as a share: 10 bps, or the spread of the book where that is wider."""
    if not market.bids or not market.asks:
        return LEAST_DRIFT_FRAC
    bid, ask = market.bids[0][0], market.asks[0][0]
    with localcontext(DIGITS):
        spread = (ask - bid) / ((ask + bid) / 2) if ask > bid > 0 else Decimal(0)
        return max(LEAST_DRIFT_FRAC, spread.quantize(_FINEST))


def _binding(asked: Mapping[str, Any], worst_loss: Decimal, policy_version: str, expires_ns: int) -> str:
    return sha256_of(
        {**asked, "worst_loss": worst_loss, "policy_version": policy_version, "expires_at": expires_ns}
    )  # fmt: skip
