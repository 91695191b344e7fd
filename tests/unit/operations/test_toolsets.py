"""Toolsets: what the setting names is a tool over MCP, and nothing else is."""

from __future__ import annotations

import typing

import pytest

from chanflow.operations.offered import OPERATIONS
from chanflow.operations.toolsets import TOOLSETS, narrowed
from chanflow.runtime.settings import McpSettings

DEFAULT = ("read", "alert", "research", "trade")
OFFERED = {operation.name for operation in OPERATIONS}


def _tools(*toolsets: str) -> set[str]:
    return {operation.name for operation in narrowed(OPERATIONS, toolsets) if "mcp" in operation.doors}


@pytest.mark.parametrize("toolset", sorted(TOOLSETS))
def test_a_toolset_alone_is_its_own_tools(toolset: str) -> None:
    assert _tools(toolset) == set(TOOLSETS[toolset]) & OFFERED


def test_every_tool_that_is_declared_is_in_a_toolset() -> None:
    declared = {operation.name for operation in OPERATIONS if "mcp" in operation.doors}
    assert declared == _tools(*DEFAULT)


def test_no_tool_is_in_two_toolsets() -> None:
    names = [name for names in TOOLSETS.values() for name in names]
    assert len(names) == len(set(names))


def test_other_doors_keep_what_they_offer() -> None:
    for door in ("cli", "rest", "ws"):
        before = [operation.name for operation in OPERATIONS if door in operation.doors]
        assert [operation.name for operation in narrowed(OPERATIONS, ("read",)) if door in operation.doors] == before


def test_the_setting_takes_the_toolsets_there_are() -> None:
    (several, _), *_ = [typing.get_args(McpSettings.model_fields["toolsets"].annotation)]
    assert set(typing.get_args(several)) == set(TOOLSETS)
