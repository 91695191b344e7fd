"""Plans bought at a payment provider on loopback, over its own library, with its own signatures."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fake_stripe import API_KEY, PRICES, WEBHOOK_SECRET, FakeStripe
from made_access import START_NS, AccessDesk, HandClock, SystemBytes, access_desk, bearer, http_desk

from chanflow.access.billing import Billing
from chanflow.access.subscription import GRACE_NS
from chanflow.domain.errors import InvalidArgument, SettingsInvalid
from chanflow.domain.time import NS_PER_DAY, NS_PER_S
from chanflow.runtime.access_desk import open_books
from chanflow.runtime.billing_settings import BillingSettings, OfferSettings

WEBHOOK = "/api/v2/billing/webhook"


@dataclass
class Shop:
    desk: AccessDesk
    stripe: FakeStripe
    client: httpx.AsyncClient
    ann: str
    headers: dict[str, str]

    @property
    def billing(self) -> Billing:
        found = self.desk.books.billing
        assert found is not None
        return found

    async def told(self, kind: str, id_: str = "sub_1", **how: Any) -> httpx.Response:
        body = self.stripe.message(kind, id_, **how)
        return await self.client.post(WEBHOOK, content=body, headers={"Stripe-Signature": self.stripe.signature(body)})

    async def plan(self) -> str:
        return (await self.desk.shelf.user(self.ann)).plan

    def moves(self, ns: int) -> None:
        self.desk.clock.at_ns += ns
        self.stripe.now_s = self.desk.clock.at_ns // NS_PER_S


def settings(url: str, **changed: Any) -> BillingSettings:
    offers = {plan: OfferSettings(price=price, amount=amount) for (plan, price), amount in
              zip(PRICES.items(), ("29.00", "99.5"), strict=True)}  # fmt: skip
    made: dict[str, Any] = {
        "provider": "stripe", "api_url": url, "return_url": "https://desk.example/billing/upgrade", "offers": offers,
    }  # fmt: skip
    return BillingSettings(**made | changed)


def secrets(desk: AccessDesk) -> None:
    for path, text in zip(desk.home.stripe_paths, (API_KEY, WEBHOOK_SECRET), strict=True):
        path.write_text(text)
        path.chmod(0o600)


@asynccontextmanager
async def opened(root: Path) -> AsyncIterator[Shop]:
    plain = access_desk(root, importlib.import_module("memory_desk").memory_services())
    secrets(plain)
    async with FakeStripe(START_NS // NS_PER_S).serving() as stripe:
        books = open_books(plain.home, plain.clock, SystemBytes(), billing=settings(stripe.url))
        desk = replace(plain, books=books, services=replace(plain.services, access=books))
        async with http_desk(desk) as client:
            ann = await desk.user("ann")
            yield Shop(desk, stripe, client, ann.id, bearer(await desk.key(ann)))


@pytest_asyncio.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop that one task opens and closes, as its scopes ask for."""
    ready: asyncio.Future[Shop] = asyncio.get_running_loop().create_future()
    done = asyncio.Event()

    async def kept() -> None:
        async with opened(tmp_path) as shop:
            ready.set_result(shop)
            await done.wait()

    keeping = asyncio.create_task(kept())
    await asyncio.wait({ready, keeping}, return_when=asyncio.FIRST_COMPLETED)
    yield ready.result()
    done.set()
    await keeping


pytestmark = [
    pytest.mark.asyncio,
    # The provider's own library hands its bodies over in a way that httpx would like to see changed.
    pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning"),
]


async def test_a_plan_is_bought_and_holds_once_the_provider_says_so(shop: Shop) -> None:
    opened = await shop.client.post("/api/v2/billing/checkout", json={"plan": "pro"}, headers=shop.headers)
    assert opened.json() == {"url": "https://pay.example/0"}
    assert await shop.plan() == "free"
    shop.stripe.bought(shop.ann, "pro")
    assert (await shop.told("checkout.session.completed")).status_code == 200
    assert await shop.plan() == "pro"
    read = (await shop.client.get("/api/v2/billing/subscription", headers=shop.headers)).json()
    assert (read["plan"], read["status"], read["next_plan"]) == ("pro", "active", None)
    again = await shop.client.post("/api/v2/billing/checkout", json={"plan": "pro"}, headers=shop.headers)
    assert (again.status_code, again.json()["field"]) == (422, "plan")
    portal = await shop.client.post("/api/v2/billing/portal", json={}, headers=shop.headers)
    assert portal.json() == {"url": f"https://pay.example/portal/cus_{shop.ann}"}


async def test_an_event_counts_once(shop: Shop) -> None:
    shop.stripe.bought(shop.ann, "pro")
    first = shop.stripe.message("customer.subscription.created", "sub_1", event_id="evt_same")
    for _ in range(3):
        header = {"Stripe-Signature": shop.stripe.signature(first)}
        assert (await shop.client.post(WEBHOOK, content=first, headers=header)).json() == {"heard": "evt_same"}
    assert sum(method == "GET" for method, *_ in shop.stripe.asked) == 2  # once to learn whose it is
    assert len(await shop.billing.shelf.changes()) == 1


async def test_events_out_of_order_end_at_the_present_state(shop: Shop) -> None:
    shop.stripe.bought(shop.ann, "pro")
    await shop.told("customer.subscription.created")
    shop.stripe.set("sub_1", status="canceled")
    await shop.told("customer.subscription.deleted", created_s=shop.stripe.now_s)
    await shop.told("customer.subscription.updated", created_s=shop.stripe.now_s - 3600)
    await shop.told("invoice.paid", created_s=shop.stripe.now_s - 7200)
    assert await shop.plan() == "free"


async def test_events_at_once_end_at_the_present_state(shop: Shop) -> None:
    shop.stripe.bought(shop.ann, "pro")
    answers = await asyncio.gather(*(shop.told("customer.subscription.updated") for _ in range(12)))
    assert {answer.status_code for answer in answers} == {200}
    assert await shop.plan() == "pro"
    assert len(await shop.billing.shelf.changes()) == 1


async def test_an_event_is_applied_later_where_the_provider_could_not_be_asked(shop: Shop) -> None:
    shop.stripe.bought(shop.ann, "pro")
    body = shop.stripe.message("customer.subscription.created", "sub_1")
    header = {"Stripe-Signature": shop.stripe.signature(body)}
    shop.stripe.failing = 3  # the library tries three times
    refused = await shop.client.post(WEBHOOK, content=body, headers=header)
    assert (refused.status_code, refused.json()["code"]) == (503, "billing_busy")
    assert await shop.plan() == "free"
    assert (await shop.client.post(WEBHOOK, content=body, headers=header)).status_code == 200
    assert await shop.plan() == "pro"


@pytest.mark.parametrize("wrong", ["another secret", "too old", "too new", "edited", "none", "twice", "garbage"])
async def test_a_message_that_the_provider_did_not_sign_is_refused(shop: Shop, wrong: str) -> None:
    shop.stripe.bought(shop.ann, "enterprise")
    body = shop.stripe.message("customer.subscription.created", "sub_1")
    good = shop.stripe.signature(body)
    headers = {
        "another secret": [("Stripe-Signature", shop.stripe.signature(body, secret="whsec_" + "x" * 24))],
        "too old": [("Stripe-Signature", shop.stripe.signature(body, at_s=shop.stripe.now_s - 301))],
        "too new": [("Stripe-Signature", shop.stripe.signature(body, at_s=shop.stripe.now_s + 301))],
        "edited": [("Stripe-Signature", shop.stripe.signature(body + b" "))],
        "none": [],
        "twice": [("Stripe-Signature", good), ("Stripe-Signature", good)],
        "garbage": [("Stripe-Signature", "t=x,v1=,=,")],
    }[wrong]
    answer = await shop.client.post(WEBHOOK, content=body, headers=headers)
    assert answer.status_code == 400
    assert WEBHOOK_SECRET not in answer.text
    assert shop.stripe.asked == []
    assert await shop.plan() == "free"


async def test_a_larger_plan_is_charged_now_and_a_smaller_one_from_the_next_period(shop: Shop) -> None:
    shop.stripe.bought(shop.ann, "pro")
    await shop.told("customer.subscription.created")
    path = "/api/v2/billing/subscription"
    up = (await shop.client.patch(path, json={"plan": "developer"}, headers=shop.headers)).json()
    assert (up["plan"], up["next_plan"], await shop.plan()) == ("developer", None, "developer")
    down = (await shop.client.patch(path, json={"plan": "pro"}, headers=shop.headers)).json()
    assert (down["plan"], down["next_plan"], await shop.plan()) == ("developer", "pro", "developer")
    behaviour = [said["proration_behavior"] for *_, said, _ in shop.stripe.asked if "proration_behavior" in said]
    assert behaviour == ["always_invoice", "none"]
    shop.moves(30 * NS_PER_DAY)
    assert [change.after for change in await shop.billing.tick()] == ["pro"]
    assert await shop.billing.tick() == []
    assert await shop.plan() == "pro"


async def test_to_go_back_to_free_ends_the_subscription_with_its_period(shop: Shop) -> None:
    shop.stripe.bought(shop.ann, "pro")
    await shop.told("customer.subscription.created")
    path = "/api/v2/billing/subscription"
    ended = (await shop.client.patch(path, json={"plan": "free"}, headers=shop.headers)).json()
    assert (ended["plan"], ended["ends_with_period"]) == ("pro", True)
    kept = (await shop.client.patch(path, json={"plan": "pro"}, headers=shop.headers)).json()
    assert (kept["plan"], kept["ends_with_period"]) == ("pro", False)
    await shop.client.patch(path, json={"plan": "free"}, headers=shop.headers)
    shop.moves(30 * NS_PER_DAY)
    await shop.billing.tick()
    assert await shop.plan() == "free"


async def test_a_payment_that_fails_leaves_a_week(shop: Shop) -> None:
    shop.stripe.bought(shop.ann, "pro")
    await shop.told("customer.subscription.created")
    shop.stripe.set("sub_1", status="past_due")
    await shop.told("invoice.payment_failed")
    assert await shop.plan() == "pro"
    shop.moves(GRACE_NS - 1)
    assert await shop.billing.tick() == []
    shop.moves(1)
    assert [change.after for change in await shop.billing.tick()] == ["free"]


async def test_money_for_an_account_that_is_not_here_changes_nothing_and_is_not_asked_for_again(shop: Shop) -> None:
    shop.stripe.bought("nobody", "enterprise")
    assert (await shop.told("customer.subscription.created")).status_code == 200
    assert await shop.plan() == "free"


async def test_another_s_subscription_cannot_be_seen_or_changed(shop: Shop) -> None:
    shop.stripe.bought(shop.ann, "pro")
    await shop.told("customer.subscription.created")
    bob = bearer(await shop.desk.key(await shop.desk.user("bob")))
    assert (await shop.client.get("/api/v2/billing/subscription", headers=bob)).json()["status"] is None
    refused = await shop.client.patch("/api/v2/billing/subscription", json={"plan": "free"}, headers=bob)
    assert refused.status_code == 409
    assert (await shop.client.post("/api/v2/billing/portal", json={}, headers=bob)).status_code == 409
    assert shop.stripe.subscriptions["sub_1"]["cancel_at_period_end"] is False


async def test_the_report_counts_who_pays_and_what_recurs(shop: Shop) -> None:
    for name, plan in (("b", "pro"), ("c", "developer")):
        user = await shop.desk.user(name)
        shop.stripe.bought(user.id, plan, id_=f"sub_{name}")
        await shop.told("customer.subscription.created", f"sub_{name}")
    admin = bearer(await shop.desk.key(await shop.desk.user("root", roles=("admin",))))
    report = (await shop.client.get("/api/v2/billing/report", headers=admin)).json()
    assert report == {
        "accounts": 4, "active": 4, "paying": 2, "conversion": 0.5, "recurring": {"usd": "128.50"},
        "months": [{"month": "2026-01", "started": 2, "ended": 0}],
    }  # fmt: skip
    assert (await shop.client.get("/api/v2/billing/report", headers=shop.headers)).status_code == 403


async def test_everything_works_where_nothing_is_sold(tmp_path: Path) -> None:
    desk = access_desk(tmp_path, importlib.import_module("memory_desk").memory_services())
    async with http_desk(desk) as client:
        headers = bearer(await desk.key(await desk.user("ann", plan="pro")))
        plans = (await client.get("/api/v2/billing/plans", headers=headers)).json()
        assert (plans["billing"], [row["amount"] for row in plans["plans"]]) == (False, [None] * 4)
        assert (await client.get("/api/v2/billing/subscription", headers=headers)).json()["plan"] == "pro"
        assert (await client.post("/api/v2/billing/checkout", json={"plan": "pro"}, headers=headers)).status_code == 409
        assert (await client.post(WEBHOOK, content=b"{}")).status_code == 404


async def test_a_desk_that_sells_does_not_start_without_its_secrets(tmp_path: Path) -> None:
    desk = access_desk(tmp_path, importlib.import_module("memory_desk").memory_services())

    def opened(**changed: Any) -> None:
        open_books(desk.home, HandClock(), SystemBytes(), billing=settings("http://127.0.0.1:1", **changed))

    with pytest.raises(SettingsInvalid, match="stripe_api_key cannot be read"):
        opened()
    secrets(desk)
    opened()
    with pytest.raises(SettingsInvalid, match="money goes over https alone"):
        opened(api_url="http://pay.example")
    with pytest.raises(SettingsInvalid, match="return_url is empty"):
        opened(return_url="")
    desk.home.stripe_paths[1].chmod(0o644)
    with pytest.raises(SettingsInvalid, match="others can read it"):
        opened()
    desk.home.stripe_paths[1].chmod(0o600)
    desk.home.stripe_paths[1].write_text("short")
    with pytest.raises(SettingsInvalid, match="at least 16"):
        opened()


async def test_what_is_not_sold_cannot_be_bought(shop: Shop) -> None:
    with pytest.raises(InvalidArgument, match="sold are pro, developer"):
        await shop.billing.checkout(shop.ann, "enterprise", "k")
    assert json.loads(json.dumps(shop.stripe.asked)) == []


async def test_two_workers_that_hear_at_once_keep_the_younger_state(shop: Shop) -> None:
    shop.stripe.bought(shop.ann, "pro")
    await shop.told("customer.subscription.created")
    other = Billing(shop.billing.provider, shop.billing.shelf, shop.billing.offers, shop.desk.clock)

    async def hear(billing: Billing) -> None:
        body = shop.stripe.message("customer.subscription.updated", "sub_1")
        await billing.hear(body, shop.stripe.signature(body))

    for plan in ("developer", "pro", "developer"):
        shop.stripe.set("sub_1", plan=plan, period=(shop.stripe.now_s, shop.stripe.now_s + 86_400))
        shop.moves(NS_PER_S)
        await asyncio.gather(hear(shop.billing), hear(other), hear(shop.billing), hear(other))
        assert await shop.plan() == plan


async def test_the_page_that_errors_over_quota_lead_to_shows_plans_and_prices_to_anyone(shop: Shop) -> None:
    page = await shop.client.get("/billing/upgrade")
    assert page.status_code == 200
    assert "29.00 usd" in page.text
    assert "unlimited" in page.text
    assert "http" not in page.text.replace("http-equiv", "")
