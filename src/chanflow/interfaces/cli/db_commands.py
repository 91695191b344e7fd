"""`chanflow db`: the shape of the desk's database."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

db_app = typer.Typer(
    help="The database of what outlives a run.", add_completion=False, no_args_is_help=True,
    pretty_exceptions_enable=False, rich_markup_mode=None,
)  # fmt: skip


@db_app.command()
def current() -> None:
    """Print the database's revision, and the newest this version knows; changes nothing."""
    from chanflow.adapters.storage.database.address import database_url
    from chanflow.adapters.storage.database.versions import current as asked
    from chanflow.adapters.storage.database.versions import revisions
    from chanflow.runtime.home import Home
    from chanflow.runtime.settings import home_directory

    path = Home(home_directory()).database_path
    revision, newest = asyncio.run(asked(database_url(path))) or "none", revisions()[-1]
    advice = "" if revision == newest else "; a desk brings it there when it starts, or chanflow db upgrade"
    typer.echo(f"{path}: revision {revision}, newest {newest}{advice}")


@db_app.command()
def upgrade() -> None:
    """Bring the database to the newest shape, making it where there is none. No desk may run meanwhile."""
    from chanflow.adapters.storage.database.address import database_url
    from chanflow.adapters.storage.database.versions import upgrade as raise_it
    from chanflow.runtime.home import Home
    from chanflow.runtime.settings import home_directory

    home = Home(home_directory())
    with home.lock():
        revision = asyncio.run(raise_it(database_url(home.database_path)))
    typer.echo(f"{home.database_path}: revision {revision}")


@db_app.command()
def downgrade(
    revision: Annotated[str, typer.Argument(help="The older revision, or base: no table at all.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="What only newer tables hold may be lost.")] = False,
) -> None:
    """Bring the database back to an older shape, for an older version. No desk may run meanwhile."""
    from chanflow.adapters.storage.database.address import database_url
    from chanflow.adapters.storage.database.versions import downgrade as lower
    from chanflow.domain.errors import InvalidArgument
    from chanflow.runtime.home import Home
    from chanflow.runtime.settings import home_directory

    home = Home(home_directory())
    if not yes:
        raise InvalidArgument(
            f"what only newer tables of {home.database_path} hold would be lost: copy the file first, then say --yes"
        )
    with home.lock():
        asyncio.run(lower(database_url(home.database_path), revision))
    typer.echo(f"{home.database_path}: revision {revision}")
