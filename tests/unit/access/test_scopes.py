"""Roles."""

from __future__ import annotations

import pytest

from chanflow.access.principals import LOCAL_OPERATOR
from chanflow.access.scopes import ROLES, SCOPES, narrowed, scopes_of
from chanflow.domain.errors import InvalidArgument


def test_an_admin_does_not_trade_and_an_agent_controls_nothing() -> None:
    assert not {scope for scope in ROLES["admin"] if scope.startswith(("trade:", "desk:"))}
    assert not {scope for scope in ROLES["agent"] if scope.startswith(("desk:", "key:", "billing:", "user:"))}
    assert "desk:halt" in ROLES["trader"]
    assert "desk:control" not in ROLES["trader"]


def test_the_operator_of_the_machine_has_every_scope() -> None:
    assert LOCAL_OPERATOR.scopes == set(SCOPES)


def test_an_unknown_role_and_a_scope_not_owned_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="role is 'boss', allowed are viewer"):
        scopes_of(["boss"])
    with pytest.raises(InvalidArgument, match="scope trade:paper is not the owner's"):
        narrowed(["trade:paper"], ROLES["viewer"])
    with pytest.raises(InvalidArgument, match="scope is 'all'"):
        narrowed(["all"], ROLES["viewer"])
    assert narrowed(["market:read"], ROLES["viewer"]) == {"market:read"}
