"""What `chanflow init`, `user`, `key`, `plan` and `doctor --audit` do. A key is printed once, and kept nowhere."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import typer

from chanflow.access.billing import Offer, business
from chanflow.access.keyring import KeyMarks, Keyring
from chanflow.access.keys import KeyRecord, User
from chanflow.access.names import sound_name
from chanflow.access.plans import plan_named
from chanflow.access.scopes import scopes_of
from chanflow.adapters.storage import audit_chain, usage_ledger
from chanflow.adapters.storage.account_shelf import AccountShelf
from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.subscription_shelf import SqlSubscriptions
from chanflow.domain.errors import InvalidArgument
from chanflow.domain.time import parse_rfc3339, rfc3339
from chanflow.runtime.access_desk import make_pepper, read_pepper, read_plans
from chanflow.runtime.clock import SystemClock, SystemRandomness, Uuid7Ids
from chanflow.runtime.home import Home
from chanflow.runtime.settings import home_directory
from chanflow.runtime.token_desk import open_keyring, open_tokens

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Open:
    """The open database, and what is kept in it."""

    home: Home
    clock: SystemClock
    database: Database
    shelf: AccountShelf

    def keyring(self) -> Keyring:
        return open_keyring(self.shelf, read_pepper(self.home), self.clock, SystemRandomness())


def run_init() -> None:
    """Make what a desk needs. Raises StorageUnwritable, SettingsInvalid for a secret that is there and weak."""
    home = Home(home_directory())
    home.prepare()
    made = make_pepper(home, SystemRandomness())
    _with_database(_nothing)
    typer.echo(f"{home.pepper_path}: {'made' if made else 'was there'}, only this user can read it")
    typer.echo(f"{home.database_path}: ready")


def run_user_add(name: str, roles: Sequence[str], plan: str) -> None:
    """Add a user. Raises InvalidArgument for a name, role or plan that cannot be."""
    sound_name(name)
    scopes_of(roles)
    distinct = tuple(dict.fromkeys(roles))

    async def add(books: _Open) -> None:
        plan_named(read_plans(books.home), plan)
        ids = Uuid7Ids(books.clock, SystemRandomness())
        await books.shelf.add_user(User(str(ids.uuid7()), name, distinct, plan, books.clock.now_ns()))

    _with_database(add)
    typer.echo(
        f"{name}: {', '.join(distinct)}, plan {plan}; give them a key with chanflow key create NAME --user {name}"
    )


def run_user_list() -> None:
    """Print a line for each user."""
    users = _with_database(lambda books: books.shelf.users())
    for user in users:
        state = "" if user.disabled_ns is None else f"  disabled {rfc3339(user.disabled_ns)}"
        typer.echo(f"{user.name}  {', '.join(user.roles)}  plan {user.plan}{state}")
    if not users:
        typer.echo("no users: chanflow user add NAME")


def run_user_role(name: str, roles: Sequence[str]) -> None:
    """Set a user's roles. Raises NotFound, InvalidArgument."""
    scopes_of(roles)
    _changed(name, roles=list(dict.fromkeys(roles)))
    typer.echo(f"{name}: {', '.join(dict.fromkeys(roles))}")


def run_user_disable(name: str) -> None:
    """Let a user in no more. Raises NotFound."""
    _changed(name, disabled_at=SystemClock().now_ns())
    typer.echo(f"{name}: disabled; a desk that runs refuses their keys within a second")


def run_key_create(
    name: str, *, user: str, scopes: Sequence[str] | None, allow_ips: Sequence[str], expires: str | None,
    marks: KeyMarks,
) -> None:  # fmt: skip
    """Make a key and print it. Raises NotFound, InvalidArgument, SettingsInvalid where there is no pepper."""
    try:
        expires_ns = None if expires is None else parse_rfc3339(expires)
    except ValueError as fault:
        raise InvalidArgument(f"--expires: {fault}", field="expires") from fault

    async def create(books: _Open) -> str:
        owner = await books.shelf.user(user)
        made = await books.keyring().create(
            owner, name=name, scopes=scopes, allow_ips=allow_ips, expires_ns=expires_ns, marks=marks
        )
        return made.text

    _show_once(_with_database(create))


def run_key_list(user: str | None) -> None:
    """Print a line for each key. Raises NotFound."""

    async def listed(books: _Open) -> tuple[Sequence[KeyRecord], dict[str, str]]:
        names = {each.id: each.name for each in await books.shelf.users()}
        owner = None if user is None else (await books.shelf.user(user)).id
        return await books.shelf.keys(owner), names

    keys, names = _with_database(listed)
    for key in keys:
        ends = [
            f"{word} {rfc3339(at)}" for word, at in (("expires", key.expires_ns), ("revoked", key.revoked_ns)) if at
        ]
        used = "never used" if key.last_used_ns is None else f"used {rfc3339(key.last_used_ns)}"
        marks = [
            word
            for word, on in (
                ("signs", key.signing), ("paper only", key.paper_only), ("elicitation trusted", key.elicitation_trusted)
            )
            if on
        ]  # fmt: skip
        scopes = " ".join(sorted(key.scopes))
        typer.echo("  ".join([key.id, names[key.user_id], key.name, scopes, *marks, used, *ends]))
    if not keys:
        typer.echo("no keys: chanflow key create NAME --user USER")


def run_key_revoke(key_id: str) -> None:
    """End a key. Raises NotFound."""
    _with_database(lambda books: books.keyring().revoke(key_id))
    typer.echo(f"{key_id}: revoked; a desk that runs refuses it within a second")


def run_key_rotate(key_id: str, grace_s: int) -> None:
    """Make a key like another and print it. Raises NotFound, InvalidArgument."""

    async def rotate(books: _Open) -> str:
        return (await books.keyring().rotate(key_id, grace_s=grace_s)).text

    _show_once(_with_database(rotate))


def run_rotate_signing() -> None:
    """Make the key that signs tokens from now on. Raises SettingsInvalid where there is no pepper."""

    async def rotate(books: _Open) -> str:
        pepper, chance = read_pepper(books.home), SystemRandomness()
        return (await open_tokens(books.database, pepper, books.clock, chance).rotate_key()).kid

    kid = _with_database(rotate)
    typer.echo(f"{kid}: signs from now on; tokens of the one before hold to their end, 15 minutes at most")


def run_plan_list() -> None:
    """Print a line for each plan. Raises SettingsInvalid."""
    for plan in read_plans(Home(home_directory())).values():
        limits = ", ".join(f"{quota} {limit}" for quota, limit in plan.limits.items())
        typer.echo(f"{plan.name}: {limits}; {plan.rate_per_s} requests/s, {plan.burst} at once")


def run_plan_set(name: str, plan: str) -> None:
    """Give a user another plan. Raises NotFound, InvalidArgument."""
    plan_named(read_plans(Home(home_directory())), plan)
    _changed(name, plan=plan)
    typer.echo(f"{name}: plan {plan}")


def run_plan_report(offers: Sequence[Offer]) -> None:
    """Print who pays, what recurs a month, and a line for each month in which someone came or went."""
    report = _with_database(
        lambda books: business(SqlSubscriptions(books.database), offers, books.clock.now_ns())
    )  # fmt: skip
    share = f", {report.paying / report.active:.1%}" if report.active else ""
    recurring = ", ".join(f"{amount} {currency}" for currency, amount in report.recurring.items()) or "nothing"
    typer.echo(f"accounts {report.accounts}, active {report.active}, paying {report.paying}{share}")
    typer.echo(f"recurring a month: {recurring}")
    for row in report.months:
        typer.echo(f"{row.month}: {row.started} came to pay, {row.ended} ceased")


def run_audit() -> None:
    """Verify the audit and the counters. Exits with 6 where either does not hold."""

    async def verified(books: _Open) -> tuple[int, int | None, Sequence[usage_ledger.Key]]:
        return await books.database.consult(
            lambda connection: (*audit_chain.verify(connection), usage_ledger.disagreeing(connection))
        )  # fmt: skip

    count, broken, wrong = _with_database(verified)
    typer.echo(
        f"audit: {count} rows, " + ("the chain holds" if broken is None else f"the chain breaks at row {broken}")
    )
    for account, quota, period in wrong:
        typer.echo(f"quota {quota} of {account} in {period} is not the sum of its events")
    typer.echo(
        f"quotas: {len(wrong)} counters are wrong" if wrong else "quotas: every counter is the sum of its events"
    )
    if broken is not None or wrong:
        raise typer.Exit(6)


def _changed(name: str, **changed: object) -> None:
    async def change(books: _Open) -> None:
        await books.shelf.change_user((await books.shelf.user(name)).id, **changed)

    _with_database(change)


def _show_once(text: str) -> None:
    typer.echo(text)
    typer.echo("this key is shown once: keep it now", err=True)


async def _nothing(_: _Open) -> None:
    return


def _with_database(work: Callable[[_Open], Awaitable[T]]) -> T:
    """Return what the work gives over the open database, which is made where there is none."""
    home, clock = Home(home_directory()), SystemClock()
    home.prepare()

    async def done() -> T:
        async with await Database.open(home.database_path) as database:
            return await work(_Open(home, clock, database, AccountShelf(database)))

    return asyncio.run(done())
