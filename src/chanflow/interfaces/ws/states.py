"""What the states of the channels are, read as the operations of the same names read them."""

from __future__ import annotations

from typing import Any

import anyio.to_thread

from chanflow.domain.errors import NotFound
from chanflow.domain.market_data import LEVEL_MS
from chanflow.domain.time import NS_PER_MS, NS_PER_S, parse_rfc3339
from chanflow.domain.told import Told
from chanflow.interfaces.ws.state_hub import StateKey
from chanflow.operations.analysis import ANALYZE_STRUCTURE
from chanflow.operations.bars import read_bars
from chanflow.operations.market import GET_KLINES
from chanflow.operations.operation import AnyOperation, Asked
from chanflow.operations.principal import LOCAL_OPERATOR
from chanflow.operations.services import Services

MOST_BARS = 100
"""So many bars that closed since the last push are told; before them a reader asks over REST."""
QUIET_NS = 5 * NS_PER_S
"""How often the age of the desk's last word is told while nothing else changes."""


class States:
    """Reads the states for a process's sockets."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._last: Told | None = None
        self._read_of: int | None = None
        self._levels: dict[str, Any] = {}

    def hear(self, told: Told) -> None:
        """Take a record of the desk's journal, for the desk's health."""
        if self._last is None or self._last.run != told.run:
            self._levels = {}
        self._last = told
        body: Any = told.body
        match told.kind:
            case "head":
                self._levels["mode"] = body.get("settings", {}).get("execution", {}).get("mode")
            case "ladder":
                self._levels["ladder_level"] = body.get("level")
            case "halt":
                self._levels |= {"halted": body.get("halted"), "halt_reason": body.get("why")}

    async def look(self, key: StateKey, version: Any) -> tuple[Any, dict[str, Any]] | None:
        """Return a state's version and body, None where it is as in `version` or is not known. Raises ChanflowError."""
        match key.channel:
            case "jobs":
                return await self._job(key.account, key.name, version)
            case "health":
                return await self._health(version)
        bars = await read_bars(self._services.klines, key.name, key.level, start_ms=None, end_ms=None, limit=1)
        if not bars or bars[-1].close_ms == version:
            return None
        newest_ms = bars[-1].close_ms
        arguments: dict[str, Any] = {"symbol": key.name, "level": key.level}
        if key.channel == "structure":
            return newest_ms, await self._answer(ANALYZE_STRUCTURE, arguments)
        step_ms = LEVEL_MS.get(key.level)
        since = 1 if version is None or step_ms is None else -(-(newest_ms - version) // step_ms)
        return newest_ms, await self._answer(GET_KLINES, {**arguments, "limit": max(1, min(since, MOST_BARS))})

    async def _answer(self, operation: AnyOperation, arguments: dict[str, Any]) -> dict[str, Any]:
        services = self._services
        asked = Asked(
            operation.input.model_validate(arguments), LOCAL_OPERATOR, services, str(services.ids.uuid7())
        )  # fmt: skip
        body: dict[str, Any] = (await operation.handler(asked)).model_dump(mode="json")
        return {"event": operation.name.partition("_")[2], **body}

    async def _job(self, account: str, job_id: str, version: Any) -> tuple[Any, dict[str, Any]] | None:
        job = await anyio.to_thread.run_sync(self._services.jobs.find, account, job_id)
        if job is None:
            return None
        now = (job.status, round(job.progress, 3))
        if now == version:
            return None
        return now, {"event": job.status, "job_id": job_id, "status": job.status, "progress": now[1]}

    async def _health(self, version: Any) -> tuple[Any, dict[str, Any]] | None:
        """Return how the desk stands: what it last said, and how long ago by its market's time."""
        last, now_ns = self._last, self._services.clock.now_ns()
        if last is None:
            now: tuple[Any, ...] = (None,)
            body: dict[str, Any] = {"event": "desk", "run": None, "records": 0, "known_at": None, "age_ms": None}
            return None if now == version else (now, body)
        if last.run != self._read_of:
            self._read_of = last.run
            self._levels = await anyio.to_thread.run_sync(self._standing) | self._levels
        now = (last.run, last.seq, now_ns // QUIET_NS)
        if now == version:
            return None
        age_ms = max(0, (_market_ns(self._services) - parse_rfc3339(last.at)) // NS_PER_MS)
        body = {"event": "desk", "run": last.run, "records": last.seq + 1, "known_at": last.at, "age_ms": age_ms}
        return now, body | self._levels

    def _standing(self) -> dict[str, Any]:
        """Return how far the desk may act, of a journal whose beginning was not heard."""
        try:
            state = self._services.desk.desk()
        except NotFound:
            return {}
        return {
            "mode": state.mode, "ladder_level": state.ladder_level, "halted": state.halted,
            "halt_reason": state.halt_reason,
        }  # fmt: skip


def _market_ns(services: Services) -> int:
    """Return the market's own time, that of the clock on a desk that keeps no alerts."""
    try:
        return services.alerts.market_ns()
    except NotFound:
        return services.clock.now_ns()
