"""`chanflow budget`: what models cost, by day, agent and model, and how much of each limit is left."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from chanflow.domain.canonical import canonical_json, decimal_text
from chanflow.domain.errors import InvalidArgument, NotFound
from chanflow.domain.time import NS_PER_DAY, Clock, rfc3339

if TYPE_CHECKING:
    from chanflow.adapters.storage.llm_ledger import LlmLedger
    from chanflow.analyst.budget import Limit, Used
    from chanflow.runtime.settings import Settings

MAX_DAYS = 366


def run_budget(
    *, days: int, config: Path | None, overrides: Sequence[str], clock: Clock, as_json: bool, out: TextIO
) -> None:
    """Show the last `days` UTC days, today among them.

    Raises InvalidArgument, SettingsInvalid, NotFound before anything was ever asked, StorageUnwritable.
    """
    if not 1 <= days <= MAX_DAYS:
        raise InvalidArgument(f"days is {days}, allowed is 1 to {MAX_DAYS}", field="days")
    from chanflow.adapters.storage.database.database import Database
    from chanflow.runtime.home import Home
    from chanflow.runtime.settings import load_settings

    loaded = load_settings(config=config, overrides=overrides)
    path = Home(loaded.home).database_path
    if not path.exists():
        raise NotFound(f"{path} is not there: no model has been asked yet")

    async def asked() -> dict[str, Any]:
        async with await Database.open(path) as database:
            from chanflow.adapters.storage.llm_ledger import LlmLedger

            return await _spent(LlmLedger(database), loaded.settings, clock.now_ns(), days)

    spent = asyncio.run(asked())
    if as_json:
        out.write(json.dumps(json.loads(canonical_json(spent)), indent=2, ensure_ascii=False) + "\n")
    else:
        _print(spent, out)


async def _spent(ledger: LlmLedger, settings: Settings, now_ns: int, days: int) -> dict[str, Any]:
    from chanflow.analyst.budget import Scope, window_at
    from chanflow.runtime.minds import limits_of_models

    limits = [one for one in limits_of_models(settings) if one.window != "run" and not one.each_account]
    scopes = [Scope(*window_at(limit.window, now_ns), agent=limit.agent) for limit in limits]
    used = await ledger.used(scopes)
    rows = await ledger.days((now_ns // NS_PER_DAY - days + 1) * NS_PER_DAY)
    return {
        "at": rfc3339(now_ns),
        "limits": [_limit(limit, each) for limit, each in zip(limits, used, strict=True)],
        "days": [
            {"day": rfc3339(row.day_ns)[:10], "agent": row.agent, "model": row.model, "requests": row.used.requests,
             "tokens": row.used.tokens, "usd": row.used.usd, "unsettled": row.open}
            for row in rows
        ],
    }  # fmt: skip


def _limit(limit: Limit, used: Used) -> dict[str, Any]:
    so_far = used.of(limit.measure)
    return {"setting": limit.setting, "measure": limit.measure, "per": limit.window, "used": so_far,
            "limit": limit.bound, "left": max(limit.bound - so_far, Decimal(0))}  # fmt: skip


def _print(spent: dict[str, Any], out: TextIO) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(file=out)
    table = Table(
        "limit", "per", "used", "allowed", "left", title=f"Limits now, {spent['at'][:16]}Z", title_justify="left"
    )
    for row in spent["limits"]:
        unit = "USD" if row["measure"] == "usd" else row["measure"]
        amounts = (f"{decimal_text(row[key])} {unit}" for key in ("used", "limit", "left"))
        table.add_row(row["setting"], row["per"], *amounts)
    console.print(table)
    table = Table("day (UTC)", "agent", "model", "requests", "tokens", "USD", title="Spent", title_justify="left")
    for row in spent["days"]:
        open_ = f" ({row['unsettled']} never settled)" if row["unsettled"] else ""
        table.add_row(
            row["day"], row["agent"], row["model"], f"{row['requests']}{open_}", str(row["tokens"]),
            decimal_text(row["usd"]),
        )  # fmt: skip
    console.print(table)
    console.print("By our own price list; what your provider bills is what counts. Unsettled calls count in full.")
