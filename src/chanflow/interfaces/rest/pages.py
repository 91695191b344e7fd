"""The desk's own HTML pages. They load nothing from anywhere."""

from __future__ import annotations

from html import escape

from chanflow.access.plans import PLANS, UNLIMITED, Plan
from chanflow.interfaces.rest.openapi import BASE, NOTICE
from chanflow.operations.catalogue import Catalogue
from chanflow.operations.operation import AnyOperation
from chanflow.operations.schema import input_schema


def front_page() -> str:
    """Return what `/` shows while no dashboard has been built."""
    body = (
        "<h1>chanflow</h1><p>dashboard not built: make web</p>"
        f'<ul><li><a href="{BASE}/docs">API</a></li><li><a href="{BASE}/openapi.json">OpenAPI 3.1</a></li>'
        f'<li><a href="{BASE}/status">status</a></li></ul><p>{NOTICE}</p>'
    )
    return _page("chanflow", body)


def api_page(catalogue: Catalogue) -> str:
    """Return the list of operations with their arguments."""
    sections = "".join(map(_section, catalogue.of("rest")))
    body = (
        f'<h1>chanflow API</h1><p>{NOTICE} Machine-readable: <a href="{BASE}/openapi.json">OpenAPI 3.1</a>. '
        f"Every operation is also a tool at <code>POST {BASE}/mcp/tools/call</code>, over MCP at <code>/mcp</code>, "
        f"and a command: <code>chanflow call NAME</code>.</p>{sections}"
    )
    return _page("chanflow API", body)


def upgrade_page(catalogue: Catalogue) -> str:
    """Return the plans with what they allow and what they are a month: where errors over quota lead to."""
    books = catalogue.services.access
    plans = PLANS if books is None else books.plans
    sold = books.billing.offers if books and books.billing else ()
    prices = {offer.plan: f"{offer.amount} {offer.currency}" for offer in sold}
    quotas = list(next(iter(plans.values())).limits)
    head = "".join(f"<th>{escape(name)}</th>" for name in ("plan", *quotas, "a month"))
    rows = "".join(_plan_row(plan, quotas, prices.get(plan.name, "–")) for plan in plans.values())
    how = (
        f"<code>POST {BASE}/billing/checkout</code> gives the page where a plan is bought."
        if prices
        else "This desk sells no plans: ask its operator."
    )
    return _page("chanflow plans", f"<h1>Plans (套餐)</h1><table><tr>{head}</tr>{rows}</table><p>{how}</p>")


def _plan_row(plan: Plan, quotas: list[str], price: str) -> str:
    limits = ["unlimited" if plan.limits[quota] == UNLIMITED else str(plan.limits[quota]) for quota in quotas]
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in (plan.name, *limits, price)) + "</tr>"


def _section(operation: AnyOperation) -> str:
    schema = input_schema(operation)
    required = schema.get("required", [])
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{'required' if name in required else 'optional'}</td>"
        f"<td><code>{escape(str(part))}</code></td></tr>"
        for name, part in schema["properties"].items()
    )
    ways = ", ".join(f"<code>{route.method} {BASE}{escape(route.path)}</code>" for route in operation.routes)
    return (
        f"<h2>{escape(operation.name)}</h2><p>{escape(operation.doc_en)}</p>"
        f'<p lang="zh">{escape(operation.doc_zh)}</p>'
        f"<p>{ways}, scope <code>{escape(operation.scope)}</code></p>"
        f"<table>{rows}</table>"
    )


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title></head>'
        f"<body>{body}</body></html>"
    )
