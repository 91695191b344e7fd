"""What a model may look up when it is asked again, and how often it is asked."""

from __future__ import annotations

import pytest

from chanflow.domain.errors import InvalidArgument
from chanflow.domain.question import ToolCall, ToolResult, ToolSpec
from chanflow.runtime.flip import RecordedToolbox, require_times


async def test_what_was_looked_up_then_is_answered_as_it_was_and_nothing_else() -> None:
    told = ToolResult('{"price": 1}', ("kline:1",), 5)
    box = RecordedToolbox((ToolSpec("look", "", {}),), (ToolCall("look", {"a": 1, "b": 2}, told),))
    assert await box.call("look", {"b": 2, "a": 1}) == told
    for args in ({"a": 1}, {"a": 1, "b": 3}):
        other = await box.call("look", args)
        assert other.failed
        assert other.refs == ()
    assert [spec.name for spec in box.specs()] == ["look"]


@pytest.mark.parametrize("again", [0, -1, 51])
def test_so_often_nobody_is_asked(again: int) -> None:
    with pytest.raises(InvalidArgument, match=f"--flip is {again}, allowed is 1 to 50"):
        require_times(again)
