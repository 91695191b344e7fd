"""The one function behind all doors: `Catalogue.execute`.

A call passes its steps in a fixed order: authentication, rate limit, scope and plan, arguments, charge, audit, route,
meter. What was done under an idempotency key (`idempotency.py`) is neither charged nor done again. Scope, plan and
arguments are always judged; the others are slots of `Policy`, which a desk that asks for no key leaves empty.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import anyio
from pydantic import ValidationError

from chanflow.domain.errors import ChanflowError
from chanflow.operations.answer_cache import AnswerCache
from chanflow.operations.call import Admission, Call
from chanflow.operations.idempotency import KeyedCalls
from chanflow.operations.operation import AnyOperation, Arguments, Asked
from chanflow.operations.outcome import Done, Failed, Outcome, Usage, failure, failure_of
from chanflow.operations.permission import forbidden, lacks_consent, lacks_scope
from chanflow.operations.principal import Door, Principal
from chanflow.operations.refusal import invalid_arguments
from chanflow.operations.services import Services

_log = logging.getLogger(__name__)


Meter = Callable[[Call, Outcome], Awaitable[Outcome]]
"""The step after the work: the outcome as it leaves, with its usage."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What stands between a caller and the work, one slot a step; `Catalogue.execute` fixes their order."""

    authenticate: Admission | None = None
    limit_rate: Admission | None = None
    charge: Admission | None = None
    audit: Admission | None = None
    meter: Meter | None = None


class Catalogue:
    """All operations of a desk, by name, in the order of their declaration."""

    def __init__(self, services: Services, operations: Iterable[AnyOperation], policy: Policy | None = None) -> None:
        self.services = services
        self._policy = policy or Policy()
        self._keyed = KeyedCalls(services)
        versions = services.versions
        self._answers = None if versions is None else AnswerCache(versions, services.clock)
        self._operations: dict[str, AnyOperation] = {}
        for operation in operations:
            if operation.name in self._operations:
                raise ValueError(f"operation {operation.name} is declared twice")
            self._operations[operation.name] = operation

    def of(self, door: Door) -> list[AnyOperation]:
        """Return the operations that `door` offers, in order."""
        return [operation for operation in self._operations.values() if door in operation.doors]

    def get(self, name: str, door: Door) -> AnyOperation | None:
        """Return the operation called `name` if `door` offers it."""
        operation = self._operations.get(name)
        return operation if operation and door in operation.doors else None

    def unlisted(self, name: str) -> AnyOperation | None:
        """Return the operation called `name`, whichever doors offer it."""
        return self._operations.get(name)

    def new_request_id(self) -> str:
        """Return a name for one request; doors show it and logs carry it."""
        return str(self.services.ids.uuid7())

    async def execute(
        self, principal: Principal, operation: str, args: Mapping[str, Any], *, door: Door, request_id: str,
        key: str | None = None, listed: bool = True,
    ) -> Outcome:  # fmt: skip
        """Return the outcome of one call; whatever goes wrong is a `Failed`, never an exception.

        Under a `key` of the caller's own what changes something is done once: its answer is given again. A door may ask
        for what it does not list, where that answers something else that it offers: not `listed`.
        """
        found = self.get(operation, door) if listed else self.unlisted(operation)
        call = Call(principal, found, args, None, door, request_id, key)
        try:
            outcome = await self._pass(call)
            return await self._policy.meter(call, outcome) if self._policy.meter else outcome
        except ChanflowError as fault:
            _log.warning("request %s was declined: %s", request_id, type(fault).__name__)
            return failure_of(fault, request_id)
        except Exception:  # noqa: BLE001  # a door must get an answer
            _log.exception("request %s failed", request_id)
            return failure("internal", request_id)

    async def admit(self, principal: Principal, scope: str | None, *, door: Door, request_id: str) -> Failed | None:
        """Return why a request that is no call of an operation may not be made, None where it may.

        Without a scope it is one that everyone may make who was let in.
        """
        call = Call(principal, None, {}, None, door, request_id)
        try:
            refused = await _first_refusal(call, self._policy.authenticate, self._policy.limit_rate)
        except ChanflowError as fault:
            return failure_of(fault, request_id)
        if refused is None and principal.notice_due:
            return lacks_consent(request_id)
        return refused or (None if scope is None or scope in principal.scopes else lacks_scope(scope, request_id))

    async def _pass(self, call: Call) -> Outcome:
        policy = self._policy
        if refused := await _first_refusal(call, policy.authenticate, policy.limit_rate):
            return refused
        if call.operation is not None and (refused := forbidden(call.principal, call.operation, call.request_id)):
            return refused
        checked = self._with_arguments(call)
        if isinstance(checked, Failed):
            return checked
        if checked.key is None or checked.operation is None or checked.operation.hints.read_only:
            return await self._work(checked)
        return await self._keyed.once(checked, self._work, policy.audit)

    async def _work(self, call: Call) -> Outcome:
        if refused := await _first_refusal(call, self._policy.charge, self._policy.audit):
            return refused
        return await self._route(call)

    def _with_arguments(self, call: Call) -> Call | Failed:
        if call.operation is None:
            known = ", ".join(operation.name for operation in self.of(call.door))
            sentence = "there is no operation of that name"
            return failure("not_found", call.request_id, sentence, field="name", suggestion=f"use: {known}")
        model: type[Arguments] = call.operation.input
        try:
            return replace(call, args=model.model_validate(dict(call.raw)))
        except ValidationError as fault:
            return invalid_arguments(fault, model, call.request_id)

    async def _route(self, call: Call) -> Outcome:
        operation = call.operation
        assert operation is not None
        assert call.args is not None
        asked = Asked(call.args, call.principal, self.services, call.request_id, self.of(call.door))
        call.course.routed = True
        try:
            with anyio.fail_after(operation.timeout_s):
                return await self._answer(operation, asked)
        except ChanflowError as fault:
            _log.info("request %s to %s: %s", call.request_id, operation.name, type(fault).__name__)
            return failure_of(fault, call.request_id)
        except TimeoutError:
            return failure("timeout", call.request_id, f"{operation.name} took longer than {operation.timeout_s:g} s")
        except Exception:  # noqa: BLE001  # a door must get an answer
            _log.exception("request %s to %s failed", call.request_id, operation.name)
            return failure("internal", call.request_id)

    async def _answer(self, operation: AnyOperation, asked: Asked[Any]) -> Done:
        symbol = None if operation.kept_for is None else operation.kept_for(asked.args)
        if symbol is None or self._answers is None:
            return Done(await operation.handler(asked), Usage())
        return await self._answers.answer(operation, asked.args, symbol, lambda: operation.handler(asked))


async def _first_refusal(call: Call, *steps: Admission | None) -> Failed | None:
    for step in steps:
        if step is not None and (refused := await step(call)) is not None:
            return refused
    return None
