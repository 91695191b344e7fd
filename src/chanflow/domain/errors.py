"""The tree of faults. A refusal is a value; a fault is an exception, and its branch says what the caller does next.

```
ChanflowError
├─ Retryable        nothing happened; try again      VenueBusy · VenueUnreachable · FeedGap · ClusterUnreachable
│                                                    · WorkLost · DeliveryFailed · OutsideUnreachable · StorageBusy
│                                                    · BillingBusy
├─ Uncertain        ask first, then decide           OrderFateUnknown
├─ Rejected         do not repeat as it is           InvalidArgument · NotFound · OpinionInvalid · BudgetSpent
│                                                    · MissingExtra · RecordingInvalid · VenueRejected
└─ Broken           stop and tell a person           BooksDisagree · JournalUnwritable · JournalCorrupt
                                                     · JournalDiverged · StorageUnwritable (SinkUnwritable)
                                                     · SettingsInvalid · DeskBusy · CassetteMiss
```
"""

from __future__ import annotations


class ChanflowError(Exception):
    """Base of all our faults. The message names the value and the bound, says what to do, and carries no secret."""

    code = "internal"
    retryable = False


class Retryable(ChanflowError):
    """Nothing happened; try again."""

    retryable = True


class VenueBusy(Retryable):
    """The venue asked us to wait."""

    code = "venue_busy"


class VenueUnreachable(Retryable):
    """No connection to the venue could be had for long."""

    code = "venue_unreachable"


class FeedGap(Retryable):
    """The feed lost events; wait until the book is synchronised again."""

    code = "data_stale"


class ClusterUnreachable(Retryable):
    """Nobody computes at the address given."""


class WorkLost(Retryable):
    """A chunk of a computation was not done, so there is no result. `chunk` is its index."""

    def __init__(self, message: str, *, chunk: int) -> None:
        super().__init__(message)
        self.chunk = chunk


class DeliveryFailed(Retryable):
    """A channel did not take an alert. The words name no address beyond scheme and host."""


class BillingBusy(Retryable):
    """Who takes the money could not be reached; nothing was changed here."""

    code = "billing_busy"


class OutsideUnreachable(Retryable):
    """An address that somebody named gave no answer we can use. The words name no more of it than scheme and host."""


class StorageBusy(Retryable):
    """Others held the database for too long; nothing was written."""


class Uncertain(ChanflowError):
    """The outcome is unknown; ask before deciding."""


class OrderFateUnknown(Uncertain):
    """Nobody knows whether the venue has the order. Query it; never resend."""

    code = "order_fate_unknown"


class Rejected(ChanflowError):
    """Do not repeat the request as it is."""


class InvalidArgument(Rejected):
    """An argument is outside its bounds. `field` names it."""

    code = "invalid_argument"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class NotFound(Rejected):
    """What was asked for does not exist."""

    code = "not_found"


class OpinionInvalid(Rejected):
    """An analyst's answer does not form a proposal."""

    code = "invalid_argument"


class BudgetSpent(Rejected):
    """A call of a model would pass a limit of tokens or money, or what it may cost cannot be written down."""

    code = "quota_exceeded"


class MissingExtra(Rejected):
    """An optional package is not installed; the message says how to get it."""

    code = "missing_extra"


class VenueRejected(Rejected):
    """The venue refused the request."""

    code = "invalid_argument"


class RecordingInvalid(Rejected):
    """A recorded file cannot be trusted; the message names the line."""

    code = "invalid_argument"


class Broken(ChanflowError):
    """Stop and tell a person."""


class BooksDisagree(Broken):
    """Our ledger and the venue's do not agree."""

    code = "books_disagree"


class JournalUnwritable(Broken):
    """The journal cannot be written, so nothing may be sent."""

    code = "journal_unwritable"


class JournalCorrupt(Broken):
    """The journal's hash chain does not hold; the message names the record."""

    code = "journal_corrupt"


class JournalDiverged(Broken):
    """A re-run gave another record than the journal holds; the message names the first one."""

    code = "journal_diverged"


class StorageUnwritable(Broken):
    """The data directory cannot be written."""

    code = "storage_unwritable"


class SinkUnwritable(StorageUnwritable):
    """Decisions cannot be kept where they should be; none was dropped."""


class SettingsInvalid(Broken):
    """A setting is unknown or outside its bounds."""

    code = "settings_invalid"


class DeskBusy(Broken):
    """Another desk owns the data directory."""

    code = "desk_busy"


class CassetteMiss(Broken):
    """A strict replay was asked for a model's answer that was never recorded; the message says what differs."""

    code = "cassette_miss"
