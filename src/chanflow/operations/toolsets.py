"""Which operations are tools over MCP: those of the toolsets that the setting `mcp.toolsets` names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from chanflow.operations.operation import AnyOperation

TOOLSETS: Mapping[str, tuple[str, ...]] = {
    "read": (
        "get_klines", "analyze_structure", "query_buy_sell_points", "get_position", "get_market_status",
        "get_performance", "get_user_quota", "list_tools",
    ),
    "alert": ("subscribe_alert",),
    "research": ("backtest_strategy",),
    "trade": ("execute_trade", "cancel_order"),
    "desk": (
        "get_live_snapshot", "get_historical_slice", "compute_features", "get_signals", "check_risk", "get_report",
    ),
}  # fmt: skip
"""The tools of each set; a name may be of an operation that is not offered."""


def narrowed(operations: Iterable[AnyOperation], toolsets: Collection[str]) -> tuple[AnyOperation, ...]:
    """Return the operations with the door `mcp` open on those of the named sets. What is in no set stays as it is."""
    known = {name for names in TOOLSETS.values() for name in names}
    wanted = {name for toolset in toolsets for name in TOOLSETS[toolset]}
    return tuple(
        operation if operation.name not in known
        else replace(operation, doors=operation.doors - {"mcp"} | ({"mcp"} if operation.name in wanted else set()))
        for operation in operations
    )  # fmt: skip
