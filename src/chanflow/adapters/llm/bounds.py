"""How far one call of a model may go."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CallBounds:
    """The bounds of every call.

    `max_output_tokens` is asked of the server and reserved in the purse; fewer than `min_output_tokens` left in a run
    end it. `max_bytes` are read of one reply at most, wire overhead included. A failed call is repeated `max_retries`
    times, after waits that double from `retry_base_s`. `tool_s` bounds one use of a tool.
    """

    max_output_tokens: int = 4096
    min_output_tokens: int = 256
    max_bytes: int = 4_000_000
    max_retries: int = 2
    retry_base_s: float = 0.5
    tool_s: float = 10.0
