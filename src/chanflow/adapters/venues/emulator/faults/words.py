"""The words of a fault script: when something goes wrong (`When`), what (`Do`), and the two joined (`Entry`)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

Hook = Literal["request", "event", "frame", "world"]
"""Where a fault acts: on a request and its answer, on a user event, on a market frame, or on the venue itself."""

StreamClass = Literal["private", "public", "market", "api", "all"]


@dataclass(frozen=True, slots=True)
class Rate:
    """More than `count` requests within `per_ns`."""

    count: int
    per_ns: int


@dataclass(frozen=True, slots=True)
class When:
    """What must hold for a fault to fire; every condition that is given must.

    `endpoint` is (method, path), where `*` is any method, or any path that begins so; `client_id` ends in `…` where it
    is a beginning; `time_s` and `request`, the number of a request, count from the start of the script; `nth` counts
    what matches the other conditions.
    """

    endpoint: tuple[str, str] | None = None
    client_id: str | None = None
    event: str | None = None
    stream: str | None = None
    time_s: float | None = None
    request: int | None = None
    rate: Rate | None = None
    nth: int | None = None
    prob: float | None = None

    def names_client_id(self, client_ids: tuple[str, ...]) -> bool:
        """Return whether no client id is asked for, or one of these is it."""
        wanted = self.client_id
        if wanted is None:
            return True
        if wanted.endswith("…"):
            return any(given.startswith(wanted[:-1]) for given in client_ids)
        return wanted in client_ids


@dataclass(frozen=True, slots=True)
class Do:
    """What goes wrong. Of the fields, those of `FIELDS[kind]` mean something."""

    kind: str
    ms: int = 0
    for_s: float = 0.0
    executed: bool = False
    code: int = 0
    status: int = 0
    retry_after_s: int | None = None
    then: int | None = None
    stream: StreamClass = "all"
    symbol: str = ""
    api_key: str | None = None
    qty: Decimal | None = None
    price: Decimal | None = None
    bps: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a script; `number` counts from 1."""

    number: int
    when: When
    do: Do


@dataclass(frozen=True, slots=True)
class Kind:
    """A fault's place, the fields it must have and those it may have, and in one sentence what it does."""

    hook: Hook
    must: tuple[str, ...]
    may: tuple[str, ...]
    says: str


KINDS: Final[dict[str, Kind]] = {
    "drop_ack": Kind("request", (), (), "executed; the connection closes without an answer"),
    "unknown_503": Kind("request", ("executed",), (), "HTTP 503 of unknown outcome, executed or not"),
    "duplicate_ack": Kind("event", (), (), "an order's acknowledgement arrives twice"),
    "error": Kind("request", ("code",), ("executed",), "that error code instead of the answer"),
    "reject": Kind("request", ("code",), (), "refused with that code and not executed; in a batch, each of its orders"),
    "http": Kind(
        "request", ("status",), ("executed", "retry_after", "then"),
        "that HTTP status; until `retry_after` seconds are over, the same address gets `then`",
    ),
    "truncate_body": Kind("request", (), (), "executed; the answer's second half is missing"),
    "garbage": Kind("request", (), ("executed",), "HTTP 200 with a body that is no JSON"),
    "slow": Kind("request", ("ms",), (), "executed at once, answered later"),
    "delay": Kind("event", ("ms",), (), "the event comes later"),
    "after_cancel": Kind("event", (), ("ms",), "the event comes after its order is cancelled, or after `ms` (10,000)"),
    "duplicate": Kind("event", (), ("ms",), "the event comes again, `ms` later (0)"),
    "reorder": Kind("event", (), ("ms",), "the event comes after the account's next one, or after `ms` (1,000)"),
    "skip_frame": Kind("frame", (), (), "the frame, or the event, is never sent"),
    "disconnect": Kind(
        "world", (), ("stream", "for_s"), "the sockets of a class close; for `for_s` none opens, what happens is lost"
    ),
    "freeze": Kind("world", ("for_s",), ("executed",), "requests are accepted and never answered; no frame leaves"),
    "clock_skew": Kind("world", ("ms",), ("for_s",), "the venue's clock is ahead by `ms`, for `for_s` or for good"),
    "listen_key_expire": Kind("world", (), ("api_key",), "listen keys expire: `listenKeyExpired`, then no event"),
    "adl": Kind("world", ("symbol",), ("api_key", "qty"), "positions are reduced by auto-deleveraging"),
    "liquidate": Kind("world", ("symbol",), ("api_key",), "positions are liquidated"),
    "gap_price": Kind("world", ("symbol",), ("price", "bps"), "the whole market jumps, and stays there"),
}  # fmt: skip
"""Every fault of the script, by the word that stands after `do:`."""

EVENT_NAMES: Final = (
    "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "TRADE_LITE", "ALGO_UPDATE", "ACCOUNT_CONFIG_UPDATE", "MARGIN_CALL",
    "CONDITIONAL_ORDER_TRIGGER_REJECT", "listenKeyExpired", "any", "ack", "fill", "cancel",
)  # fmt: skip
"""User events; the last three are ORDER_TRADE_UPDATE of execution type NEW, TRADE and CANCELED."""

HELD_MS: Final = {"after_cancel": 10_000, "reorder": 1_000}
"""How long an event waits for the other one, where the script does not say."""
