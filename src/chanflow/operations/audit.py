"""The audit as administrators read it."""

from __future__ import annotations

from chanflow.access.audit import AuditOutcome, SealedRow
from chanflow.operations.fields import Cursor, Limit200, make_cursor, read_cursor, time_of_ns
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.outcome import Declined
from chanflow.operations.trading import EVERY_PLAN


class GetAudit(Arguments):
    """How many rows, newest first."""

    limit: Limit200 = 50
    cursor: Cursor | None = None


class AuditedCall(Answer):
    """A row: a call that began, or how it ended. Of its arguments only the hash is kept."""

    seq: int
    at: str
    request_id: str
    principal: str
    ip: str | None
    door: str
    operation: str
    args_sha256: str
    outcome: AuditOutcome
    code: str | None
    latency_ms: int | None
    prev_hash: str
    hash: str


class AuditRead(Answer):
    """Rows of the audit, newest first."""

    rows: list[AuditedCall]
    next_cursor: str | None


async def get_audit(asked: Asked[GetAudit]) -> AuditRead:
    """Return a page of the audit. Raises Declined on a desk that keeps none."""
    books, args = asked.services.access, asked.args
    if books is None:
        raise Declined("conflict", "this desk asks for no keys and keeps no audit", suggestion="access.required=true")
    before = None if args.cursor is None else read_cursor(args.cursor)[1]
    rows = await books.audit.rows(before=before, limit=args.limit)
    more = len(rows) == args.limit and rows[-1].seq > 1
    return AuditRead(
        rows=[_shown(row) for row in rows], next_cursor=make_cursor("before", rows[-1].seq) if more else None
    )


def _shown(found: SealedRow) -> AuditedCall:
    row = found.row
    return AuditedCall(
        seq=found.seq, at=time_of_ns(row.at), request_id=row.request_id, principal=row.principal, ip=row.ip,
        door=row.door, operation=row.operation, args_sha256=row.args_sha256, outcome=row.outcome, code=row.code,
        latency_ms=row.latency_ms, prev_hash=found.prev_hash, hash=found.hash,
    )  # fmt: skip


GET_AUDIT = Operation(
    name="get_audit",
    title="The audit",
    doc_en="Who called what, when, through which door, and how it ended (审计), newest first.",
    doc_zh="审计记录：谁在何时经何入口调用了什么、结果如何，最新在前。",
    scope="audit:read",
    plans=EVERY_PLAN,
    charges={"api_call": 1},
    rate_class="read",
    input=GetAudit,
    output=AuditRead,
    hints=Hints(read_only=True),
    timeout_s=10,
    path="/audit",
    handler=get_audit,
    digest=lambda done: Digest(f"{len(done.rows)} rows, newest first", (), (), done.next_cursor),
    doors=frozenset({"cli", "rest"}),
)
