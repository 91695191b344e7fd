"""One exception a code. Made by scripts/write_client.py from the catalogue: do not edit."""

from __future__ import annotations

from collections.abc import Mapping

from chanflow.client.fault import ChanflowClientError


class BillingBusy(ChanflowClientError):
    """The payment provider cannot be reached."""


class ConfirmationInvalid(ChanflowClientError):
    """The confirmation does not fit this request."""


class ConfirmationStale(ChanflowClientError):
    """What was confirmed holds no longer."""


class Conflict(ChanflowClientError):
    """The request conflicts with what is there."""


class ConsentRequired(ChanflowClientError):
    """The notice is yet to be accepted."""


class CsrfRequired(ChanflowClientError):
    """A write by cookie needs an Origin of ours and the session's X-CSRF-Token."""


class CursorExpired(ChanflowClientError):
    """The cursor is too old to go on from."""


class DataStale(ChanflowClientError):
    """The market data are stale."""


class HostNotAllowed(ChanflowClientError):
    """The desk does not answer to this host name."""


class IdempotencyConflict(ChanflowClientError):
    """The key was used for another request."""


class InsufficientScope(ChanflowClientError):
    """The caller lacks the scope of this operation."""


class Internal(ChanflowClientError):
    """The desk failed; its log has the cause under this request_id."""


class InvalidArgument(ChanflowClientError):
    """An argument is outside its bounds."""


class IpNotAllowed(ChanflowClientError):
    """The key may not be used from this address."""


class JournalUnwritable(ChanflowClientError):
    """The journal cannot be written, so nothing may be sent."""


class LimiterDown(ChanflowClientError):
    """The rate limiter cannot be reached."""


class ModelBusy(ChanflowClientError):
    """The model asked us to wait."""


class NotFound(ChanflowClientError):
    """What was asked for does not exist."""


class OrderFateUnknown(ChanflowClientError):
    """Nobody knows yet whether the venue has the order; ask, never resend."""


class OriginNotAllowed(ChanflowClientError):
    """Pages of this origin may not call the desk."""


class PayloadTooLarge(ChanflowClientError):
    """The request is too large."""


class PlanRequired(ChanflowClientError):
    """The caller's plan does not have this operation."""


class ProofRequired(ChanflowClientError):
    """The password or the code is not the right one."""


class QuotaExceeded(ChanflowClientError):
    """The quota is spent."""

    @property
    def tool(self) -> str | None:
        """`tool` of the body, None where it has none."""
        found: str | None = self.body.get("tool")
        return found

    @property
    def quota(self) -> str | None:
        """`quota` of the body, None where it has none."""
        found: str | None = self.body.get("quota")
        return found

    @property
    def used(self) -> int | None:
        """`used` of the body, None where it has none."""
        found: int | None = self.body.get("used")
        return found

    @property
    def limit(self) -> int | None:
        """`limit` of the body, None where it has none."""
        found: int | None = self.body.get("limit")
        return found

    @property
    def period(self) -> str | None:
        """`period` of the body, None where it has none."""
        found: str | None = self.body.get("period")
        return found

    @property
    def upgrade_url(self) -> str | None:
        """`upgrade_url` of the body, None where it has none."""
        found: str | None = self.body.get("upgrade_url")
        return found

    @property
    def resets_at(self) -> str | None:
        """`resets_at` of the body, None where it has none."""
        found: str | None = self.body.get("resets_at")
        return found


class RateLimited(ChanflowClientError):
    """Too many requests."""


class RequestTooSlow(ChanflowClientError):
    """The request did not arrive in time."""


class SecondFactorRequired(ChanflowClientError):
    """A code of the authenticator is needed: send it as code."""


class Timeout(ChanflowClientError):
    """The operation took too long."""


class Unauthenticated(ChanflowClientError):
    """Nobody is logged in."""


class VenueBusy(ChanflowClientError):
    """The venue asked us to wait."""


class VenueUnreachable(ChanflowClientError):
    """No connection to the venue could be had."""


BY_CODE: Mapping[str, type[ChanflowClientError]] = {
    "billing_busy": BillingBusy,
    "confirmation_invalid": ConfirmationInvalid,
    "confirmation_stale": ConfirmationStale,
    "conflict": Conflict,
    "consent_required": ConsentRequired,
    "csrf_required": CsrfRequired,
    "cursor_expired": CursorExpired,
    "data_stale": DataStale,
    "host_not_allowed": HostNotAllowed,
    "idempotency_conflict": IdempotencyConflict,
    "insufficient_scope": InsufficientScope,
    "internal": Internal,
    "invalid_argument": InvalidArgument,
    "ip_not_allowed": IpNotAllowed,
    "journal_unwritable": JournalUnwritable,
    "limiter_down": LimiterDown,
    "model_busy": ModelBusy,
    "not_found": NotFound,
    "order_fate_unknown": OrderFateUnknown,
    "origin_not_allowed": OriginNotAllowed,
    "payload_too_large": PayloadTooLarge,
    "plan_required": PlanRequired,
    "proof_required": ProofRequired,
    "quota_exceeded": QuotaExceeded,
    "rate_limited": RateLimited,
    "request_too_slow": RequestTooSlow,
    "second_factor_required": SecondFactorRequired,
    "timeout": Timeout,
    "unauthenticated": Unauthenticated,
    "venue_busy": VenueBusy,
    "venue_unreachable": VenueUnreachable,
}
"""The class of each code; one that is not here is raised as the base class."""
