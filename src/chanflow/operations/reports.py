"""The report of a run or of one of its days, as data."""

from __future__ import annotations

from datetime import date as calendar_date
from typing import Annotated, Any

import anyio.to_thread
from pydantic import AfterValidator, StringConstraints

from chanflow.domain.errors import NotFound
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.orders import NOT_A_TOOL
from chanflow.operations.outcome import Declined
from chanflow.operations.trading import EVERY_PLAN
from chanflow.review.report import NOTICE
from chanflow.review.report_body import report_body


def _real(text: str) -> str:
    try:
        calendar_date.fromisoformat(text)
    except ValueError:
        raise ValueError("must be a day of the calendar, such as 2026-01-31") from None
    return text


RunId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")]
Day = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), AfterValidator(_real)]


class GetReport(Arguments):
    """Which run, the newest by default, and which UTC day of it, all of it by default."""

    run_id: RunId | None = None
    date: Day | None = None


class ReportRead(Answer):
    """A report: `report` is of the schema `chanflow.report/1`, money in it decimal text in quote."""

    run_id: str
    date: str | None
    report: dict[str, Any]
    known_at: str | None
    notice: str


async def get_report(asked: Asked[GetReport]) -> ReportRead:
    """Return a run's report. Raises Declined where there is none of that id and day."""
    args, services = asked.args, asked.services
    try:
        run_id, day = await anyio.to_thread.run_sync(services.reports.report, args.run_id, args.date)
    except NotFound as fault:
        sentence = "there is no run, or none of that id and day"
        field = "run_id" if args.run_id is not None else "date" if args.date is not None else None
        raise Declined("not_found", sentence, field=field, suggestion="start one: chanflow demo") from fault
    body = await anyio.to_thread.run_sync(report_body, day)
    return ReportRead(run_id=run_id, date=args.date, report=body, known_at=day.last_at or None, notice=NOTICE)


def _digest(found: ReportRead) -> Digest:
    money, counts = found.report["money"], found.report["counts"]
    line = (
        f"run {found.run_id}: {counts['trades']} trades, gross {money['gross']}, costs {money['costs']}, "
        f"net {money['net']}, {counts['refused']} refused"
    )
    rows = tuple((row["closed"], row["side"], row["net_quote"]) for row in found.report["trades"][-5:])
    return Digest(line, ("closed", "side", "net_quote"), rows)


GET_REPORT = Operation(
    name="get_report",
    title="Report",
    doc_en="The report (报告) of a run or of one UTC day: what was seen, refused, traded, paid and kept.",
    doc_zh="某次运行或某一天的报告：信号、拒绝、成交、成本与净值。",
    scope="journal:read",
    plans=EVERY_PLAN,
    charges={"api_call": 1},
    rate_class="read",
    input=GetReport,
    output=ReportRead,
    hints=Hints(read_only=True),
    timeout_s=60,
    path="/research/report",
    handler=get_report,
    digest=_digest,
    doors=NOT_A_TOOL,
)
