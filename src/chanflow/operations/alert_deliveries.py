"""What became of each event of an alert that goes beyond the log; its webhook switched on and off, its secret made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import StringConstraints

from chanflow.monitor.webhook import Target, Webhook
from chanflow.operations.alert_cursor import cursor_of, seq_of
from chanflow.operations.alerts import AlertId, own_alert
from chanflow.operations.fields import Limit200, time_of_ns
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation, Route
from chanflow.operations.orders import NOT_A_TOOL
from chanflow.operations.outcome import Declined
from chanflow.operations.trading import EVERY_PLAN

if TYPE_CHECKING:
    from chanflow.adapters.storage.alert_store import SqlAlerts
    from chanflow.adapters.storage.delivery_store import Delivery

OWNER_OFF = "switched off by its owner"

DeliveryCursor = Annotated[str, StringConstraints(pattern=r"^e[0-9]{16}\.(webhook|desk)$")]
State = Literal["waiting", "delivered", "off"]


class GetAlertDeliveries(Arguments):
    """Of which alert, and after which cursor."""

    alert_id: AlertId
    limit: Limit200 = 50
    cursor: DeliveryCursor | None = None


class DeliveryRow(Answer):
    """A delivery of an event. `id` is the same at every attempt; `status` and `error` are of the last one.

    State `off` is one that waits for its webhook to be switched on; `next_at` is when one that waits is tried.
    """

    id: str
    event: str
    channel: Literal["webhook", "desk"]
    state: State
    attempts: int
    created_at: str
    last_at: str | None
    next_at: str | None
    status: int | None
    error: str | None


class AlertDeliveries(Answer):
    """Deliveries, newest first; as long as the log keeps the events. `off` is why the webhook is off."""

    alert_id: str
    webhook: str | None
    off: str | None
    failures: int
    deliveries: list[DeliveryRow]
    next_cursor: str | None


class UpdateAlert(Arguments):
    """Which alert, and whether its webhook is on. Switched on, what waits is sent at once."""

    alert_id: AlertId
    webhook: Literal["on", "off"]


class AlertUpdated(Answer):
    """The webhook as it is now."""

    alert_id: str
    webhook: str
    off: str | None


class RenewAlertSecret(Arguments):
    """Of which alert."""

    alert_id: AlertId


class AlertSecret(Answer):
    """The secret that signs what is sent from now on: nobody can read it again."""

    alert_id: str
    secret: str


async def get_alert_deliveries(asked: Asked[GetAlertDeliveries]) -> AlertDeliveries:
    """Return what became of an alert's events, newest first. Raises Declined for an alert of another account."""
    args = asked.args
    after = None
    if args.cursor is not None:
        event, _, channel = args.cursor.partition(".")
        after = (seq_of(event), channel)
    async with asked.services.alerts.open() as store:
        await own_alert(store, asked.principal.account, args.alert_id)
        targets = (await store.deliveries.targets([args.alert_id])).get(args.alert_id, [])
        found = await store.deliveries.page(args.alert_id, after=after, limit=args.limit + 1)
    webhook = next((each for each in targets if each.channel == "webhook"), None)
    page = found[: args.limit]
    return AlertDeliveries(
        alert_id=args.alert_id, webhook=webhook.shown if webhook else None, off=webhook.off_why if webhook else None,
        failures=webhook.failures if webhook else 0, deliveries=[_row(each, webhook) for each in page],
        next_cursor=f"{cursor_of(page[-1].seq)}.{page[-1].channel}" if len(found) > args.limit else None,
    )  # fmt: skip


def _row(each: Delivery, webhook: Target | None) -> DeliveryRow:
    off = each.channel == "webhook" and webhook is not None and webhook.off_ns is not None
    waits = each.state == "waiting"
    return DeliveryRow(
        id=each.id, event=cursor_of(each.seq), channel=each.channel, state="off" if waits and off else each.state,
        attempts=each.attempts, created_at=time_of_ns(each.created_ns),
        last_at=None if each.last_ns is None else time_of_ns(each.last_ns),
        next_at=time_of_ns(each.next_ns) if waits and not off else None, status=each.status, error=each.error,
    )  # fmt: skip


async def update_alert(asked: Asked[UpdateAlert]) -> AlertUpdated:
    """Switch the webhook of an alert on or off. Raises Declined where there is none."""
    args, now_ns = asked.args, asked.services.clock.now_ns()
    async with asked.services.alerts.open() as store:
        await _webhook(store, asked, args.alert_id)
        off_why = OWNER_OFF if args.webhook == "off" else None
        await store.deliveries.switch(args.alert_id, off_why=off_why, now_ns=now_ns)
        webhook = await _webhook(store, asked, args.alert_id)
    return AlertUpdated(alert_id=args.alert_id, webhook=webhook.shown, off=webhook.off_why)


async def renew_alert_secret(asked: Asked[RenewAlertSecret]) -> AlertSecret:
    """Make another secret for the webhook of an alert, and show it this once. Raises Declined where there is none."""
    alert_id, safe = asked.args.alert_id, asked.services.alerts.safe()
    async with asked.services.alerts.open() as store:
        webhook = await _webhook(store, asked, alert_id)
        assert webhook.sealed is not None
        made = Webhook(safe.opened(alert_id, webhook.sealed).url, safe.new_secret())
        await store.deliveries.reseal(webhook, safe.sealed(alert_id, made))
    return AlertSecret(alert_id=alert_id, secret=made.secret)


async def _webhook(store: SqlAlerts, asked: Asked[Any], alert_id: str) -> Target:
    await own_alert(store, asked.principal.account, alert_id)
    for each in (await store.deliveries.targets([alert_id])).get(alert_id, []):
        if each.channel == "webhook":
            return each
    raise Declined("not_found", "the alert has no webhook", field="alert_id")


GET_ALERT_DELIVERIES = Operation(
    name="get_alert_deliveries",
    title="Deliveries of an alert",
    doc_en="What became of each event of an alert (提醒) that goes to a webhook or the desk's channels, newest first.",
    doc_zh="某个提醒的投递记录（webhook 或本机通知渠道），最新的在前。",
    scope="account:read",
    plans=EVERY_PLAN,
    charges={"api_call": 1},
    rate_class="read",
    input=GetAlertDeliveries,
    output=AlertDeliveries,
    hints=Hints(read_only=True),
    timeout_s=20,
    path="/alerts/deliveries",
    handler=get_alert_deliveries,
    digest=lambda found: Digest(
        f"{len(found.deliveries)} deliveries", ("id", "state", "attempts", "error"),
        tuple((row.id, row.state, row.attempts, row.error) for row in found.deliveries[:5]), found.next_cursor,
    ),
    doors=NOT_A_TOOL,
    more_routes=(Route("GET", "/alerts/{alert_id}/deliveries", "getDeliveriesOfAlert"),),
)  # fmt: skip

UPDATE_ALERT = Operation(
    name="update_alert",
    title="Change an alert",
    doc_en="Switch the webhook of an alert (提醒) on or off; what waited is sent once it is on.",
    doc_zh="开启或关闭某个提醒的 webhook；开启后补发等待中的事件。",
    scope="alert:write",
    plans=EVERY_PLAN,
    charges={"api_call": 1},
    rate_class="write",
    input=UpdateAlert,
    output=AlertUpdated,
    hints=Hints(read_only=False, idempotent=True),
    timeout_s=20,
    path="/alerts/update",
    more_routes=(Route("PATCH", "/alerts/{alert_id}", "patchAlert"),),
    handler=update_alert,
    digest=lambda done: Digest(f"the webhook of {done.alert_id} is {'off' if done.off else 'on'}", (), ()),
    doors=NOT_A_TOOL,
)

RENEW_ALERT_SECRET = Operation(
    name="renew_alert_secret",
    title="Secret of a webhook",
    doc_en="Make the secret that signs what an alert (提醒) sends to its webhook; it is shown this once.",
    doc_zh="为提醒的 webhook 生成新的签名密钥；只显示这一次。",
    scope="alert:write",
    plans=EVERY_PLAN,
    charges={"api_call": 1},
    rate_class="write",
    input=RenewAlertSecret,
    output=AlertSecret,
    hints=Hints(read_only=False),
    timeout_s=20,
    path="/alerts/secret",
    more_routes=(Route("POST", "/alerts/{alert_id}/secret", "renewSecretOfAlert"),),
    handler=renew_alert_secret,
    digest=lambda done: Digest(f"the webhook of {done.alert_id} has another secret", (), ()),
    doors=NOT_A_TOOL,
    keeps=lambda _: False,
)

DELIVERY_OPERATIONS = (GET_ALERT_DELIVERIES, UPDATE_ALERT, RENEW_ALERT_SECRET)
