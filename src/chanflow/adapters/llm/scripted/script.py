"""What the scripted server answers to what: rules in YAML, the first that fits is used.

```yaml
- when: {contains: BTCUSDT, turn: 1}        # also tool_result: NAME, model: NAME; all that stand there must fit
  times: 1                                  # how often the rule is used; without it, always
  reply: {tool_calls: [{name: get_klines, args: {symbol: BTCUSDT}}]}
- when: {tool_result: get_klines}
  reply: {json: {action: abstain}}          # the answer, however the client wants it; or text, thinking, sense: true
  usage: {tokens_in: 900, tokens_out: 40}   # without it, counted from the text; none reports nothing
  fault: {kind: rate_limit, retry_after: 2} # or the kind alone
```
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from chanflow.domain.errors import InvalidArgument

FaultKind = Literal[
    "delay", "rate_limit", "server_error", "unauthorized", "cut_json", "wrong_enum", "out_of_range", "two_calls",
    "unknown_tool", "empty", "giant", "disconnect", "stall", "obey_injection", "max_long",
]  # fmt: skip
FAULTS: tuple[FaultKind, ...] = get_args(FaultKind)

_MOST_RULES = 1_000
_MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class When:
    """What a request must have: a text in its messages, a place in its conversation, a newest result, a model.

    `turn` is one more than the answers before it, `tool_result` the tool whose result is the newest message.
    """

    contains: str | None = None
    turn: int | None = None
    tool_result: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool."""

    name: str
    args: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong; `seconds` belong to delay and stall, `retry_after` to rate_limit, `tokens` to giant."""

    kind: FaultKind
    seconds: float = 1.0
    retry_after: float | None = None
    tokens: int = 200_000


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens a reply reports."""

    tokens_in: int
    tokens_out: int


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `answer` is given in the form the client wants; `sense` makes the server find one by itself."""

    when: When = When()
    calls: tuple[Call, ...] = ()
    answer: Mapping[str, Any] | None = None
    text: str = ""
    thinking: str = ""
    sense: bool = False
    usage: Usage | None = None
    silent_usage: bool = False
    fault: Fault | None = None
    times: int | None = None


def read_script(text: str) -> tuple[Rule, ...]:
    """Return the rules of a script. Raises InvalidArgument with the rule's number and what is wrong with it."""
    import yaml

    if len(text.encode()) > _MOST_BYTES:
        raise InvalidArgument(f"the script has {len(text.encode())} bytes, allowed are {_MOST_BYTES}")
    try:
        tree = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as fault:
        raise InvalidArgument(f"the script is no YAML: {' '.join(str(fault).split())[:200]}") from fault
    if not isinstance(tree, list) or not 1 <= len(tree) <= _MOST_RULES:
        raise InvalidArgument(f"the script must be a list of 1 to {_MOST_RULES} rules")
    return tuple(_rule(each, f"rule {number}") for number, each in enumerate(tree, 1))


def _rule(tree: Any, where: str) -> Rule:
    parts = _mapping(tree, where, ("when", "times", "reply", "usage", "fault"))
    reply = _mapping(parts.get("reply") or {}, f"{where}, reply", ("tool_calls", "json", "text", "thinking", "sense"))
    if not reply and "fault" not in parts:
        raise InvalidArgument(f"{where}: it has neither reply nor fault")
    answer = reply.get("json")
    if answer is not None and not isinstance(answer, dict):
        raise InvalidArgument(f"{where}, reply: json must be a mapping")
    calls = reply.get("tool_calls", [])
    if not isinstance(calls, list) or len(calls) > 20:
        raise InvalidArgument(f"{where}, reply: tool_calls must be a list of at most 20")
    usage = parts.get("usage")
    return Rule(
        when=_when(parts.get("when") or {}, f"{where}, when"),
        calls=tuple(_call(call, f"{where}, reply") for call in calls),
        answer=answer,
        text=_text(reply.get("text", ""), f"{where}, reply: text"),
        thinking=_text(reply.get("thinking", ""), f"{where}, reply: thinking"),
        sense=_is(reply.get("sense", False), bool, f"{where}, reply: sense must be true or false"),
        usage=None if usage in (None, "none") else _usage(usage, f"{where}, usage"),
        silent_usage=usage == "none",
        fault=_fault(parts["fault"], f"{where}, fault") if parts.get("fault") is not None else None,
        times=_count(parts["times"], f"{where}: times", 1) if parts.get("times") is not None else None,
    )


def _when(tree: Any, where: str) -> When:
    parts = _mapping(tree, where, ("contains", "turn", "tool_result", "model"))
    words = {name: _text(parts[name], f"{where}: {name}") for name in parts if name != "turn"}
    return When(**words, turn=_count(parts["turn"], f"{where}: turn", 1) if "turn" in parts else None)


def _call(tree: Any, where: str) -> Call:
    parts = _mapping(tree, f"{where}, tool call", ("name", "args"))
    args = parts.get("args") or {}
    return Call(
        _text(parts.get("name"), f"{where}: the name of a tool call"),
        _is(args, dict, f"{where}: the args of a tool call must be a mapping"),
    )


def _usage(tree: Any, where: str) -> Usage:
    parts = _mapping(tree, where, ("tokens_in", "tokens_out"))
    return Usage(
        _count(parts.get("tokens_in"), f"{where}: tokens_in", 0),
        _count(parts.get("tokens_out"), f"{where}: tokens_out", 0),
    )


def _fault(tree: Any, where: str) -> Fault:
    parts = _mapping({"kind": tree} if isinstance(tree, str) else tree, where,
                     ("kind", "seconds", "retry_after", "tokens"))  # fmt: skip
    kind = next((known for known in FAULTS if known == parts.get("kind")), None)
    if kind is None:
        raise InvalidArgument(f"{where}: kind {parts.get('kind')!r} is none of {', '.join(FAULTS)}")
    after = parts.get("retry_after")
    return Fault(
        kind,
        seconds=_seconds(parts.get("seconds", 1.0), f"{where}: seconds"),
        retry_after=None if after is None else _seconds(after, f"{where}: retry_after"),
        tokens=_count(parts.get("tokens", 200_000), f"{where}: tokens", 1),
    )


def _mapping(tree: Any, where: str, known: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(tree, dict):
        raise InvalidArgument(f"{where} must be a mapping of {', '.join(known)}")
    strange = sorted(str(name) for name in tree if name not in known)
    if strange:
        raise InvalidArgument(f"{where}: {strange[0]!r} is unknown; there are {', '.join(known)}")
    return tree


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise InvalidArgument(f"{what} must be a text")
    return value


def _is(value: Any, kind: type, what: str) -> Any:
    if not isinstance(value, kind):
        raise InvalidArgument(what)
    return value


def _count(value: Any, what: str, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= 10_000_000:
        raise InvalidArgument(f"{what} is {value!r}, allowed is a whole number from {least} to 10000000")
    return value


def _seconds(value: Any, what: str) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= 3_600:
        raise InvalidArgument(f"{what} is {value!r}, allowed is 0 to 3600 s")
    return float(value)
