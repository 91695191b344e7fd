"""Alerts that a caller sets: what to wait for, once for each `client_alert_id`, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, FiniteFloat, StringConstraints, model_validator

from chanflow.domain.canonical import sha256_of
from chanflow.domain.time import NS_PER_MS
from chanflow.domain.watch_alert import AlertKind, Logged, SeriesMark, WatchAlert
from chanflow.operations.alert_cursor import LogCursor, cursor_of, seq_of
from chanflow.operations.bars import known_symbols, read_bars
from chanflow.operations.fields import Level, Limit200, Symbol, TimeNs, time_of_ns
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation, Route
from chanflow.operations.orders import NOT_A_TOOL
from chanflow.operations.outcome import Declined
from chanflow.operations.points import PointType
from chanflow.operations.services import Services
from chanflow.operations.trading import EVERY_PLAN

MAX_ACTIVE = 10_000
"""So many active alerts an account may have, whatever its plan."""

AlertId = Annotated[str, StringConstraints(pattern=r"^al_[0-9a-f]{32}$")]
ClientAlertId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,36}$")]
Price = Annotated[FiniteFloat, Field(gt=0, lt=1e15)]
Status = Literal["active", "deleted", "expired"]


class SubscribeAlert(Arguments):
    """What to wait for, under a name of the caller's own; or which alert to delete."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["client_alert_id"]}, {"required": ["alert_id", "action"]}]}
    )

    client_alert_id: ClientAlertId | None = None
    symbols: Annotated[list[Symbol], Field(min_length=1, max_length=50)] | None = None
    kind: Literal["buy_sell_points", "price", "structure", "signal", "risk"] = "buy_sell_points"
    level: Level = "30m"
    type: Annotated[list[PointType], Field(max_length=6)] = Field(default=[])
    above: Price | None = None
    below: Price | None = None
    expires_at: TimeNs | None = None
    alert_id: AlertId | None = None
    action: Literal["delete"] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.client_alert_id is None and (self.alert_id is None or self.action is None):
            raise ValueError("client_alert_id, or alert_id with action delete, must be given")
        return self


class AlertSet(Answer):
    """An alert. `cursor` is where its events begin, `remaining` how many more the account may have."""

    alert_id: str
    resource: str
    status: Status
    cursor: str
    remaining: int


class ListAlerts(Arguments):
    """Which of the caller's alerts."""

    alert_id: AlertId | None = None
    status: Literal["active", "deleted", "expired", "any"] = "active"
    limit: Limit200 = 50
    cursor: AlertId | None = None


class AlertRow(Answer):
    """An alert as it was set."""

    alert_id: str
    client_alert_id: str
    resource: str
    kind: AlertKind
    symbols: list[str]
    level: Level | None
    type: list[str]
    above: FiniteFloat | None
    below: FiniteFloat | None
    status: Status
    created_at: str
    expires_at: str | None


class AlertsListed(Answer):
    """Alerts, newest first."""

    alerts: list[AlertRow]
    next_cursor: str | None
    known_at: str


class GetAlertEvents(Arguments):
    """Of which alert, and after which cursor."""

    alert_id: AlertId
    after: LogCursor | None = None
    limit: Limit200 = 100


class AlertEvent(Answer):
    """Something an alert waited for. `data` is what the WebSocket pushes, too."""

    cursor: str
    known_at: str
    data: dict[str, Any]


class AlertEvents(Answer):
    """Events in their order. `cursor` is the last one's, `more` whether others follow it."""

    alert_id: str
    events: list[AlertEvent]
    cursor: str | None
    more: bool


async def subscribe_alert(asked: Asked[SubscribeAlert]) -> AlertSet:
    """Set an alert once for each `client_alert_id`, or delete one, and return how it stands."""
    args, account = asked.args, asked.principal.account
    if args.action is not None:
        return await _delete(asked, account)
    assert args.client_alert_id is not None
    args_hash = _hash(args)
    async with asked.services.alerts.open() as store:
        kept = await store.find_client(account, args.client_alert_id)
        if kept is None:
            new = await _new(args, args_hash, asked)
            marks = [SeriesMark(symbol, new.level, seen_ms) for symbol, seen_ms in sorted(new.since_ms.items())]
            kept = await store.add(new, marks=marks, most=MAX_ACTIVE)
        if kept is None:
            sentence = f"the account has {MAX_ACTIVE} active alerts, more are not kept: delete some"
            raise Declined("quota_exceeded", sentence, field="symbols")
        if kept.args_hash != args_hash:
            raise Declined(
                "idempotency_conflict", "client_alert_id was used for an alert with other arguments",
                field="client_alert_id",
            )  # fmt: skip
        answer = await _answer(store, kept)
    asked.services.alerts.changed()
    return answer


def _hash(args: SubscribeAlert) -> str:
    given = args.model_dump(mode="json", exclude={"client_alert_id"})
    return sha256_of({**given, "symbols": sorted(set(args.symbols or ())), "type": sorted(set(args.type))})


async def _new(args: SubscribeAlert, args_hash: str, asked: Asked[SubscribeAlert]) -> WatchAlert:
    """Return the alert that the arguments ask for. Raises Declined where they do not go together."""
    assert args.client_alert_id is not None
    services = asked.services
    _check(args, services)
    marks = await _marks(args, services)
    return WatchAlert(
        alert_id=f"al_{services.ids.uuid7().hex}", account=asked.principal.account,
        client_alert_id=args.client_alert_id, args_hash=args_hash, kind=args.kind,
        symbols=tuple(sorted(set(args.symbols or ()))), level=args.level,
        types=tuple(sorted(set(args.type))), above=args.above, below=args.below,
        status="active", created_ns=services.clock.now_ns(), expires_ns=args.expires_at,
        known_since_ns=services.alerts.market_ns(), since_ms={mark.symbol: mark.seen_ms for mark in marks},
    )  # fmt: skip


def keyed(operation: str, args: Mapping[str, Any], who: str) -> Mapping[str, Any]:
    """Return the arguments of a planned step, with the key that a new alert needs where a plan names none.

    The same alert has the same key, so that a yes said twice sets it once.
    """
    if operation != SUBSCRIBE_ALERT.name or {"client_alert_id", "action"} & set(args):
        return args
    return {**args, "client_alert_id": f"chat-{sha256_of({'who': who, 'args': args})[:31]}"}


async def _delete(asked: Asked[SubscribeAlert], account: str) -> AlertSet:
    alert_id = asked.args.alert_id
    assert alert_id is not None
    more = asked.args.model_fields_set - {"alert_id", "action"}
    if more:
        raise Declined("invalid_argument", "action delete goes with alert_id alone", field=min(more))
    async with asked.services.alerts.open() as store:
        await _own(store, account, alert_id)
        await store.end(alert_id, "deleted", asked.services.clock.now_ns())
        answer = await _answer(store, await _own(store, account, alert_id))
    asked.services.alerts.changed()
    return answer


async def _own(store: Any, account: str, alert_id: str) -> WatchAlert:
    found: WatchAlert | None = await store.find(account, alert_id)
    if found is None:
        raise Declined("not_found", "there is no alert of that id", field="alert_id")
    return found


async def _answer(store: Any, alert: WatchAlert) -> AlertSet:
    return AlertSet(
        alert_id=alert.alert_id, resource=_resource(alert), status=alert.status, cursor=cursor_of(await store.head()),
        remaining=max(0, MAX_ACTIVE - await store.count(alert.account)),
    )  # fmt: skip


def _resource(alert: WatchAlert) -> str:
    return f"alert://{alert.alert_id}"


def _check(args: SubscribeAlert, services: Services) -> None:
    """Refuse arguments that do not go together. Raises Declined."""

    def refuse(field: str, sentence: str) -> Declined:
        return Declined("invalid_argument", sentence, field=field)

    if args.alert_id is not None:
        raise refuse("alert_id", "alert_id goes with action delete; a new alert gets one")
    if (args.kind == "risk") != (args.symbols is None):
        raise refuse("symbols", "symbols are required, but for kind risk, which is of the whole desk")
    if args.kind != "price" and (args.above is not None or args.below is not None):
        raise refuse("above" if args.above is not None else "below", "above and below go with kind price")
    if args.kind == "price" and args.above is None and args.below is None:
        raise refuse("above", "kind price needs above, below or both")
    if args.type and args.kind != "buy_sell_points":
        raise refuse("type", "type goes with kind buy_sell_points")
    if args.expires_at is not None and args.expires_at <= services.clock.now_ns():
        raise refuse("expires_at", "expires_at must lie in the future")


async def _marks(args: SubscribeAlert, services: Services) -> list[SeriesMark]:
    """Return how far the bars of each symbol are known: what became known by then is not told. Raises Declined."""
    symbols = sorted(set(args.symbols or ()))
    if args.kind == "signal":
        known = set(known_symbols(services.klines))
        if any(symbol not in known for symbol in symbols):
            raise Declined("not_found", "a symbol has no data here", field="symbols")
        return []
    return [await newest_mark(services, symbol, args.level) for symbol in symbols]


async def newest_mark(services: Services, symbol: str, level: Level) -> SeriesMark:
    """Return how far the bars of a symbol are known: its newest close, or now where it has none. Raises Declined."""
    bars = await read_bars(services.klines, symbol, level, start_ms=None, end_ms=None, limit=1)
    return SeriesMark(symbol, level, bars[-1].close_ms if bars else services.alerts.market_ns() // NS_PER_MS)


async def list_alerts(asked: Asked[ListAlerts]) -> AlertsListed:
    """Return the caller's alerts, newest first."""
    args, account = asked.args, asked.principal.account
    async with asked.services.alerts.open() as store:
        if args.alert_id is not None:
            found = [await _own(store, account, args.alert_id)]
        else:
            status = None if args.status == "any" else args.status
            found = await store.page(account, status=status, limit=args.limit + 1, after=args.cursor)
    page = found[: args.limit]
    return AlertsListed(
        alerts=[_row(each) for each in page],
        next_cursor=page[-1].alert_id if len(found) > args.limit else None,
        known_at=time_of_ns(asked.services.clock.now_ns()),
    )


def _row(alert: WatchAlert) -> AlertRow:
    level: Any = alert.level if alert.series else None
    return AlertRow(
        alert_id=alert.alert_id, client_alert_id=alert.client_alert_id, resource=_resource(alert), kind=alert.kind,
        symbols=list(alert.symbols), level=level, type=list(alert.types), above=alert.above, below=alert.below,
 status=alert.status,
        created_at=time_of_ns(alert.created_ns),
        expires_at=None if alert.expires_ns is None else time_of_ns(alert.expires_ns),
    )  # fmt: skip


async def get_alert_events(asked: Asked[GetAlertEvents]) -> AlertEvents:
    """Return what an alert heard after a cursor, oldest first."""
    args = asked.args
    after = 0 if args.after is None else seq_of(args.after)
    async with asked.services.alerts.open() as store:
        await _own(store, asked.principal.account, args.alert_id)
        found = await store.events_of(args.alert_id, after, limit=args.limit + 1)
    page = found[: args.limit]
    return AlertEvents(
        alert_id=args.alert_id, events=[alert_event(each) for each in page],
        cursor=cursor_of(page[-1].seq) if page else args.after, more=len(found) > args.limit,
    )  # fmt: skip


def alert_event(logged: Logged) -> AlertEvent:
    """Return a row of the log as answers show it."""
    happening = logged.happening
    return AlertEvent(
        cursor=cursor_of(logged.seq), known_at=time_of_ns(happening.known_ns), data=dict(happening.body)
    )  # fmt: skip


SUBSCRIBE_ALERT = Operation(
    name="subscribe_alert",
    title="Set an alert",
    doc_en="Set an alert (提醒) on points, price, structure, signal or risk, once per client_alert_id; or delete one.",
    doc_zh="设置提醒：买卖点、价格、结构、信号或风险；同一 client_alert_id 只设一次。也可删除。",
    scope="alert:write",
    plans=EVERY_PLAN,
    charges={"alert_subscription": 1, "api_call": 1},
    rate_class="write",
    input=SubscribeAlert,
    output=AlertSet,
    hints=Hints(read_only=False, idempotent=True),
    timeout_s=20,
    path="/alerts",
    handler=subscribe_alert,
    digest=lambda done: Digest(f"alert {done.alert_id} is {done.status}", (), ()),
    more_routes=(Route("DELETE", "/alerts/{alert_id}", "deleteAlert", {"action": "delete"}),),
)

LIST_ALERTS = Operation(
    name="list_alerts",
    title="Alerts",
    doc_en="The alerts (提醒) that the caller has set, newest first.",
    doc_zh="列出已设置的提醒，最新的在前。",
    scope="account:read",
    plans=EVERY_PLAN,
    charges={"api_call": 1},
    rate_class="read",
    input=ListAlerts,
    output=AlertsListed,
    hints=Hints(read_only=True),
    timeout_s=20,
    path="/alerts",
    handler=list_alerts,
    digest=lambda found: Digest(
        f"{len(found.alerts)} alerts", ("alert_id", "kind", "symbols", "status"),
        tuple((row.alert_id, row.kind, ",".join(row.symbols), row.status) for row in found.alerts[:5]),
        found.next_cursor,
    ),
    doors=NOT_A_TOOL,
    more_routes=(Route("GET", "/alerts/{alert_id}", "getAlert"),),
)  # fmt: skip

GET_ALERT_EVENTS = Operation(
    name="get_alert_events",
    title="Events of an alert",
    doc_en="What an alert (提醒) heard, after a cursor, oldest first.",
    doc_zh="某个提醒触发的事件，按先后顺序。",
    scope="account:read",
    plans=EVERY_PLAN,
    charges={"api_call": 1},
    rate_class="read",
    input=GetAlertEvents,
    output=AlertEvents,
    hints=Hints(read_only=True),
    timeout_s=20,
    path="/alerts/events",
    handler=get_alert_events,
    digest=lambda found: Digest(
        f"{len(found.events)} events", ("cursor", "known_at"),
        tuple((row.cursor, row.known_at) for row in found.events[:5]), found.cursor if found.more else None,
    ),
    doors=NOT_A_TOOL,
    more_routes=(Route("GET", "/alerts/{alert_id}/events", "getEventsOfAlert"),),
)  # fmt: skip

ALERT_OPERATIONS = (SUBSCRIBE_ALERT, LIST_ALERTS, GET_ALERT_EVENTS)
