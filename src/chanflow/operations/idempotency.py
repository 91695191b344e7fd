"""Idempotency keys: a call that changes something is done once under a key of the caller's own, for a day.

The key stands in the database before the work begins, with the hash of the arguments. A repeated call gets the answer
that was kept, and no second charge; one with other arguments is refused. Where the first came to nothing the key is
free again. Where nobody knows what it came to, it is done again if that is safe, and refused if it is not.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_OID, uuid5

import anyio
from pydantic import RootModel

from chanflow.domain.canonical import sha256_of
from chanflow.domain.confirmation import KeyedCall
from chanflow.domain.errors import NotFound
from chanflow.domain.time import NS_PER_MS, NS_PER_S
from chanflow.operations.call import Admission, Call
from chanflow.operations.operation import Answer
from chanflow.operations.outcome import CODES, Done, ErrorBody, Failed, Outcome, Usage, body_of, failure
from chanflow.operations.services import Services

if TYPE_CHECKING:
    from chanflow.adapters.storage.request_store import SqlRequests

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_UNKNOWN_CODES = frozenset({"timeout", "internal", "order_fate_unknown"})
"""After these nobody knows what was done."""
_GRACE_S = 5

Work = Callable[[Call], Awaitable[Outcome]]


class KeptAnswer(RootModel[dict[str, Any]]):
    """The body of an answer, as it was kept."""


class KeyedCalls:
    """The calls under a key, over the requests that a desk keeps."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._at_work: dict[tuple[str, str, str], asyncio.Event] = {}

    async def once(self, call: Call, work: Work, audit: Admission | None) -> Outcome:
        """Return what `work` makes of a call, or what it made of it before. A repeated call is audited all the same."""
        assert call.operation is not None
        assert call.args is not None
        if call.key is None or not _KEY.fullmatch(call.key):
            sentence = f"{HEADER} must be 1 to 255 visible ASCII characters"
            return failure("invalid_argument", call.request_id, sentence, field=HEADER)
        mine = KeyedCall(
            call.principal.account, call.operation.name, hashlib.sha256(call.key.encode()).hexdigest(),
            sha256_of(call.args.model_dump(mode="json")), self._services.clock.now_ns(),
        )  # fmt: skip
        name = (mine.account, mine.operation, mine.key_sha256)
        while (other := self._at_work.get(name)) is not None:
            await other.wait()
        self._at_work[name] = ended = asyncio.Event()
        try:
            async with self._services.requests.open() as store:
                return await self._begun(call, mine, await store.begin(mine), store, work, audit)
        except NotFound:
            sentence = f"this desk keeps no answers, so it takes no {HEADER}"
            return failure("conflict", call.request_id, sentence, field=HEADER)
        finally:
            del self._at_work[name]
            ended.set()

    async def _begun(
        self, call: Call, mine: KeyedCall, standing: KeyedCall, store: SqlRequests, work: Work,
        audit: Admission | None,
    ) -> Outcome:  # fmt: skip
        assert call.operation is not None
        if standing.args_sha256 != mine.args_sha256:
            return failure(
                "idempotency_conflict", call.request_id, f"this {HEADER} was used with other arguments", field=HEADER
            )
        if standing.answer is not None:
            refused = None if audit is None else await audit(call)
            return refused or _again(call, standing)
        if standing is not mine and (refused := self._unsettled(call, standing)) is not None:
            return refused
        call.course.charge_name = _charge_name(standing)
        outcome = await work(call)
        with anyio.CancelScope(shield=True):
            await _settle(call, standing, outcome, store)
        return outcome

    def _unsettled(self, call: Call, standing: KeyedCall) -> Failed | None:
        """Return why a call whose first try has no answer may not be done again, None where it may."""
        assert call.operation is not None
        if standing.withheld:
            sentence = "it was done under this key, and its answer is shown once: it has a secret"
            return failure("conflict", call.request_id, sentence, field=HEADER)
        lasts_ns = int((call.operation.timeout_s + _GRACE_S) * NS_PER_S)
        left_ns = standing.begun_ns + lasts_ns - self._services.clock.now_ns()
        if left_ns > 0:
            sentence = "the first call with this key may still be at work: ask again when it must have ended"
            return failure("conflict", call.request_id, sentence, field=HEADER, retry_after_ms=-(-left_ns // NS_PER_MS))
        if call.operation.hints.idempotent:
            return None
        sentence = "nobody knows what became of the first call with this key: look before you use another"
        return failure("conflict", call.request_id, sentence, field=HEADER)


async def _settle(call: Call, standing: KeyedCall, outcome: Outcome, store: SqlRequests) -> None:
    """Keep what a call came to, or free its key."""
    operation = call.operation
    assert operation is not None
    if isinstance(outcome, Done):
        if operation.keeps is None or operation.keeps(outcome.result):
            await store.end(replace(standing, answer={"done": body_of(outcome)}))
        elif operation.hints.idempotent:
            await store.release(standing)
        else:
            await store.end(replace(standing, withheld=True))
        return
    code = outcome.error.code
    if not call.course.routed or (CODES[code].retryable and code not in _UNKNOWN_CODES):
        await store.release(standing)
    elif code in _UNKNOWN_CODES:
        return
    elif type(outcome.error) is ErrorBody:
        await store.end(replace(standing, answer={"failed": body_of(outcome)}))
    else:
        await store.release(standing)


def _again(call: Call, standing: KeyedCall) -> Outcome:
    """Return the answer that was kept."""
    assert standing.answer is not None
    assert call.operation is not None
    if "failed" in standing.answer:
        return Failed(ErrorBody.model_validate(standing.answer["failed"]))
    model: type[Answer] = call.operation.output
    try:
        return Done(model.model_validate(standing.answer["done"]), Usage())
    except ValueError:
        # A version before this one answered in another shape; what it said stands.
        return Done(KeptAnswer(standing.answer["done"]), Usage())


def _charge_name(standing: KeyedCall) -> str:
    """Return what the charge of a call is called: the same for each try, and another once the key is free again."""
    parts = (standing.account, standing.operation, standing.key_sha256, str(standing.begun_ns))
    return str(uuid5(NAMESPACE_OID, f"chanflow:charge:{':'.join(parts)}"))
