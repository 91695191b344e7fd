"""Jobs where keys are asked for: each account has its own, polls and cancels for nothing; a chat leaves one behind."""

from __future__ import annotations

import importlib
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_access import AccessDesk, access_desk, bearer, http_desk

from chanflow.operations.chat import Chat
from chanflow.operations.jobs import Jobs
from chanflow.operations.offered import build_catalogue
from chanflow.operations.principal import LOCAL_OPERATOR
from chanflow.operations.structure import chan_columns
from chanflow.runtime.job_book import JobBook
from chanflow.runtime.job_shelf import JobShelf

BACKTEST = "/api/v2/research/backtest"
ASKED = {"symbols": ["ETHUSDT"], "level": "1m", "wait_s": 0}


class Held:
    """Work that waits in the middle until it is let go on."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Semaphore(0), threading.Semaphore(0)

    def columns(self, bars: Any) -> Any:
        self.begun.release()
        assert self.go.acquire(timeout=60)
        return chan_columns(bars)


@pytest.fixture
def held() -> Held:
    return Held()


@pytest.fixture
async def desk(tmp_path: Path, held: Held) -> AsyncIterator[AccessDesk]:
    services = importlib.import_module("memory_desk").memory_services()
    made = access_desk(tmp_path, replace(services, chan_columns=held.columns))
    jobs = Jobs(JobBook(made.home), JobShelf(made.home.root / "jobs"), clock=made.clock)
    yield replace(made, services=replace(made.services, jobs=jobs))
    held.go.release(9)
    jobs.close()


async def test_a_job_of_another_account_is_not_found_at_any_door(desk: AccessDesk, held: Held) -> None:
    async with http_desk(desk) as http:
        ann, bob = [bearer(await desk.key(await desk.user(name, plan="developer"))) for name in ("ann", "bob")]
        job = (await http.post(BACKTEST, json=ASKED, headers=ann)).json()
        held.go.release(9)
        path = f"/api/v2/jobs/{job['job_id']}"
        for method, asked in (("GET", path), ("DELETE", path), ("GET", f"{path}/result")):
            refused = await http.request(method, asked, headers=bob)
            assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
        for name, args in (
            ("backtest_strategy", {"job_id": job["job_id"]}), ("get_performance", {"job_id": job["job_id"]}),
            ("get_job_result", {"job_id": job["job_id"]}),
        ):  # fmt: skip
            body = {"name": name, "arguments": args}
            refused = await http.post("/api/v2/mcp/tools/call", json=body, headers=bob)
            assert refused.json()["code"] == "not_found", name
        assert (await http.get("/api/v2/jobs", headers=bob)).json()["jobs"] == []
        other = (await http.post(BACKTEST, json=ASKED, headers=bob)).json()
        assert other["job_id"] != job["job_id"], "the same question of another account is a job of its own"


async def test_to_poll_and_to_cancel_cost_nothing(desk: AccessDesk, held: Held) -> None:
    async with http_desk(desk) as http:
        ann = bearer(await desk.key(await desk.user("ann", plan="developer")))
        job = (await http.post(BACKTEST, json=ASKED, headers=ann)).json()
        assert held.begun.acquire(timeout=60)
        path = f"/api/v2/jobs/{job['job_id']}"
        before = (await http.get("/api/v2/user/quota", headers=ann)).json()["quotas"]
        assert (await http.get(path, headers=ann)).json()["status"] == "running"
        assert (await http.delete(path, headers=ann)).json()["status"] == "running"
        held.go.release()
        status = "running"
        while status == "running":
            status = (await http.get(path, headers=ann)).json()["status"]
            desk.clock.at_ns += 10**9
        assert status == "cancelled"
        assert (await http.get("/api/v2/user/quota", headers=ann)).json()["quotas"] == before


async def test_a_plan_has_so_many_at_once_and_the_others_wait(desk: AccessDesk, held: Held) -> None:
    async with http_desk(desk) as http:
        pro = bearer(await desk.key(await desk.user("ann", plan="pro")))
        rows = [
            (await http.post(BACKTEST, json=ASKED | {"taker_bps": bps}, headers=pro)).json() for bps in range(1, 4)
        ]  # fmt: skip
        assert held.begun.acquire(timeout=60)
        listed = (await http.get("/api/v2/jobs?limit=2", headers=pro)).json()
        rest = (await http.get(f"/api/v2/jobs?limit=2&cursor={listed['next_cursor']}", headers=pro)).json()
        found = {row["job_id"]: row["status"] for row in (*listed["jobs"], *rest["jobs"])}
        assert set(found) == {row["job_id"] for row in rows}
        assert sorted(found.values()) == ["queued", "queued", "running"], "one worker does one after the other"
        held.go.release(9)


async def test_a_chat_leaves_its_backtest_to_be_asked_after_and_cancelled(desk: AccessDesk, held: Held) -> None:
    services = replace(desk.services, access=None)
    chat = Chat(build_catalogue(services))

    async def say(text: str) -> str:
        events = [said async for said in chat.ask(text, LOCAL_OPERATOR, door="rest")]
        return str(events[-1].body["text"])

    job = await build_catalogue(services).execute(
        LOCAL_OPERATOR, "backtest_strategy", ASKED, door="rest", request_id="r"
    )  # fmt: skip
    job_id = job.result.job_id  # type: ignore[union-attr]
    assert held.begun.acquire(timeout=60)
    assert f"The job {job_id} stops at its next step: running" in await say(f"cancel backtest {job_id}")
    held.go.release()
    assert f"回测任务 {job_id} 没有结果：cancelled" in await say(f"回测 {job_id} 怎么样了")
    services.jobs.close()
