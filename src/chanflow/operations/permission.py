"""Whether a principal may call an operation at all: its scope, and its plan. Asks nothing but the two of them."""

from __future__ import annotations

from dataclasses import replace

from chanflow.operations.operation import AnyOperation
from chanflow.operations.outcome import Failed, failure
from chanflow.operations.principal import Principal


def why_not(principal: Principal, operation: AnyOperation) -> str | None:
    """Return the code of what stands in the way, None where nothing does."""
    if principal.notice_due and not operation.before_notice:
        return "consent_required"
    if operation.scope not in principal.scopes:
        return "insufficient_scope"
    return None if principal.plan in operation.plans else "plan_required"


def forbidden(principal: Principal, operation: AnyOperation, request_id: str) -> Failed | None:
    """Return the failure of a call that may not be made, None for one that may."""
    match why_not(principal, operation):
        case "consent_required":
            return lacks_consent(request_id)
        case "insufficient_scope":
            return lacks_scope(operation.scope, request_id)
        case "plan_required":
            plans = " or ".join(sorted(operation.plans))
            return failure(
                "plan_required", request_id, f"{operation.name} comes with the plan {plans}",
                suggestion="/billing/upgrade",
            )  # fmt: skip
    return None


def lacks_consent(request_id: str) -> Failed:
    """Return the failure of a caller who has yet to accept the notice."""
    return failure("consent_required", request_id, suggestion="read GET /user/notice, accept it by POST /user/notice")


def lacks_scope(scope: str, request_id: str) -> Failed:
    """Return the failure of a caller without a scope."""
    sentence = f"the caller lacks the scope {scope}"
    return replace(failure("insufficient_scope", request_id, sentence, suggestion="use a key that has it"), scope=scope)
