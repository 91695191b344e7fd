"""`chanflow init`, `user`, `key` and `plan`: verbs and their options. What they do stands in `access.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def _group(text: str) -> typer.Typer:
    return typer.Typer(
        help=text, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None
    )


user_app = _group("Users of a desk that asks for keys.")
key_app = _group("API keys of users.")
plan_app = _group("Plans: what users may use.")

Name = Annotated[str, typer.Argument(help="The user's name.")]
KeyId = Annotated[str, typer.Argument(help="The key's id: what stands between cf_ and the next _.")]


def init() -> None:
    """Make the data directory, its secrets (mode 0600) and its database; what is there stays as it is."""
    from chanflow.interfaces.cli.access import run_init

    run_init()


@user_app.command("add")
def user_add(
    name: Name,
    *,
    role: Annotated[
        list[str] | None, typer.Option(help="viewer trader agent operator admin; may repeat [default: viewer].")
    ] = None,
    plan: Annotated[str, typer.Option(help="free pro developer enterprise.")] = "free",
) -> None:
    """Add a user."""
    from chanflow.interfaces.cli.access import run_user_add

    run_user_add(name, role or ["viewer"], plan)


@user_app.command("list")
def user_list() -> None:
    """Show the users with their roles and plans."""
    from chanflow.interfaces.cli.access import run_user_list

    run_user_list()


@user_app.command("role")
def user_role(
    name: Name, roles: Annotated[list[str], typer.Argument(help="All the roles they have from now on.")]
) -> None:
    """Set a user's roles; their keys follow within a second."""
    from chanflow.interfaces.cli.access import run_user_role

    run_user_role(name, roles)


@user_app.command("disable")
def user_disable(name: Name) -> None:
    """Let a user in no more, by key or by session."""
    from chanflow.interfaces.cli.access import run_user_disable

    run_user_disable(name)


@user_app.command("password")
def user_password(name: Name) -> None:
    """Set a user's password, typed twice or read from standard input; their sessions end."""
    from chanflow.interfaces.cli.access_password import run_user_password

    run_user_password(name)


@key_app.command("create")
def key_create(
    name: Annotated[str, typer.Argument(help="What the key is called.")],
    *,
    user: Annotated[str, typer.Option(help="Whose key.")],
    scope: Annotated[list[str] | None, typer.Option(help="One scope; may repeat. Without it all the user's.")] = None,
    allow_ip: Annotated[list[str] | None, typer.Option(help="An address or network; may repeat.")] = None,
    expires: Annotated[str | None, typer.Option(help="When it ends, RFC 3339 with a zone.")] = None,
    signing: Annotated[bool, typer.Option("--signing", help="It signs its requests and is never sent.")] = False,
    paper_only: Annotated[bool, typer.Option("--paper-only", help="It never trades real money.")] = False,
    elicitation_trusted: Annotated[
        bool, typer.Option("--elicitation-trusted", help="Its client may ask its person to approve.")
    ] = False,
) -> None:
    """Make a key and print it, this once."""
    from chanflow.access.keyring import KeyMarks
    from chanflow.interfaces.cli.access import run_key_create

    marks = KeyMarks(signing, elicitation_trusted, paper_only)
    run_key_create(name, user=user, scopes=scope, allow_ips=allow_ip or [], expires=expires, marks=marks)


@key_app.command("list")
def key_list(*, user: Annotated[str | None, typer.Option(help="Only this user's.")] = None) -> None:
    """Show keys, without their secrets."""
    from chanflow.interfaces.cli.access import run_key_list

    run_key_list(user)


@key_app.command("revoke")
def key_revoke(key_id: KeyId) -> None:
    """End a key; a desk that runs refuses it within a second."""
    from chanflow.interfaces.cli.access import run_key_revoke

    run_key_revoke(key_id)


@key_app.command("rotate")
def key_rotate(
    key_id: KeyId,
    *,
    grace_s: Annotated[int, typer.Option(min=0, max=604_800, help="How long the old one still holds.")] = 86_400,
) -> None:
    """Make a key like another and print it, this once; the old one ends after the grace."""
    from chanflow.interfaces.cli.access import run_key_rotate

    run_key_rotate(key_id, grace_s)


@key_app.command("rotate-signing")
def key_rotate_signing() -> None:
    """Make the key that signs the desk's own tokens from now on."""
    from chanflow.interfaces.cli.access import run_rotate_signing

    run_rotate_signing()


@plan_app.command("list")
def plan_list() -> None:
    """Show the plans in force, with what plans.yaml changes; -1 is unlimited."""
    from chanflow.interfaces.cli.access import run_plan_list

    run_plan_list()


@plan_app.command("set")
def plan_set(name: Name, plan: Annotated[str, typer.Argument(help="free pro developer enterprise.")]) -> None:
    """Give a user another plan; what is used stays used."""
    from chanflow.interfaces.cli.access import run_plan_set

    run_plan_set(name, plan)


@plan_app.command("report")
def plan_report(
    *, config: Annotated[Path | None, typer.Option("--config", help="A settings file (YAML).")] = None
) -> None:
    """Show accounts, who pays, what recurs a month, and who came and left."""
    from chanflow.interfaces.cli.access import run_plan_report
    from chanflow.runtime.settings import load_settings

    run_plan_report(load_settings(config=config, overrides=()).settings.billing.sold())
