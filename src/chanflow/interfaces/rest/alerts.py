"""Alerts by their id: `/alerts/{id}` and `/alerts/{id}/events`, other names of what the operations do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from chanflow.interfaces.rest.answer import json_response
from chanflow.interfaces.rest.openapi import BASE
from chanflow.operations.alerts import GET_ALERT_EVENTS, LIST_ALERTS, SUBSCRIBE_ALERT
from chanflow.operations.catalogue import Catalogue
from chanflow.operations.operation import AnyOperation
from chanflow.operations.principal import caller
from chanflow.operations.text_arguments import arguments_from_text


def add_alert_routes(app: FastAPI, catalogue: Catalogue) -> None:
    """Add the paths of one alert."""
    one, events = f"{BASE}/alerts/{{alert_id}}", f"{BASE}/alerts/{{alert_id}}/events"
    app.add_route(one, _route(catalogue, LIST_ALERTS, {}), methods=["GET"])
    app.add_route(one, _route(catalogue, SUBSCRIBE_ALERT, {"action": "delete"}), methods=["DELETE"])
    app.add_route(events, _route(catalogue, GET_ALERT_EVENTS, {}), methods=["GET"])


def _route(
    catalogue: Catalogue, operation: AnyOperation, fixed: dict[str, Any]
) -> Callable[[Request], Awaitable[Response]]:
    async def answered(request: Request) -> Response:
        pairs = [*request.query_params.multi_items(), ("alert_id", request.path_params["alert_id"])]
        arguments = arguments_from_text(operation, pairs) | fixed
        outcome = await catalogue.execute(
            caller.get(), operation.name, arguments, door="rest", request_id=request.state.request_id
        )
        return json_response(outcome)

    return answered
