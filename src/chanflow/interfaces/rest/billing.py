"""Where the payment provider's messages come in. Their signature is all that lets them: no key, no cookie."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from chanflow.domain.errors import ChanflowError, InvalidArgument
from chanflow.interfaces.rest.answer import json_response, plain_json
from chanflow.interfaces.rest.openapi import BASE
from chanflow.operations.outcome import failure, failure_of
from chanflow.operations.services import Services

WEBHOOK = f"{BASE}/billing/webhook"


def add_billing_webhook(app: FastAPI, services: Services) -> None:
    """Add the route of the provider's messages where plans are sold."""
    billing = None if services.access is None else services.access.billing
    if billing is None:
        return

    async def heard(request: Request) -> Response:
        request_id: str = request.state.request_id
        signatures = request.headers.getlist("stripe-signature")
        try:
            if len(signatures) != 1:
                raise InvalidArgument("the message has no signature")
            event = await billing.hear(await request.body(), signatures[0])
        except InvalidArgument as fault:
            return plain_json(_body(str(fault), request_id), status=400)
        except ChanflowError as fault:
            # The provider sends it again later; what was noted of it is still to be applied.
            return json_response(failure_of(fault, request_id))
        return plain_json({"heard": event.id})

    app.add_route(WEBHOOK, heard, methods=["POST"])


def _body(message: str, request_id: str) -> dict[str, object]:
    return failure("invalid_argument", request_id, message).error.model_dump(mode="json")
