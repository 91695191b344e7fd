"""Reads fault scripts: a list in YAML or JSON, whose every entry says `when` and `do`.

A script that cannot be understood whole is refused whole, in one sentence with the entry, the field and the bound.
"""

from __future__ import annotations

import math
import re
import reprlib
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from chanflow.adapters.venues.emulator.faults.words import EVENT_NAMES, HELD_MS, KINDS, Do, Entry, Hook, Rate, When
from chanflow.domain.errors import InvalidArgument
from chanflow.domain.time import NS_PER_S

MAX_ENTRIES: Final = 1_000
MAX_CHARACTERS: Final = 1_000_000
MAX_S: Final = 31_536_000
MAX_MS: Final = 86_400_000
MAX_COUNT: Final = 1_000_000_000

_TRIGGERS: Final = ("endpoint", "request", "rate", "event", "stream")
_WHEN_FIELDS: Final = (*_TRIGGERS, "client_id", "time", "nth", "prob")
_COUNTED: Final = ("endpoint", "client_id", "event", "stream")
_HOOK_TRIGGERS: Final[dict[Hook, tuple[str, ...]]] = {
    "request": ("endpoint", "client_id", "request", "rate", "time"),
    "event": ("event", "client_id", "time"),
    "frame": ("stream", "event", "client_id", "time"),
    "world": ("endpoint", "client_id", "request", "rate", "event", "stream", "time"),
}
_METHODS: Final = ("GET", "POST", "PUT", "DELETE", "*")
_RATE: Final = re.compile(r"([0-9]{1,9})\s*/\s*(s|10s|min|m)")
_RATE_SPANS: Final = {"s": 1, "10s": 10, "min": 60, "m": 60}
_CALL: Final = re.compile(r"reject\(\s*(-[0-9]{1,9})\s*\)")
_SYMBOL: Final = re.compile(r"[A-Z0-9_]{2,40}")
_CLASSES: Final = ("private", "public", "market", "api", "all")

_shown = reprlib.Repr()
_shown.maxlevel, _shown.maxstring, _shown.maxother = 2, 60, 60


class _Refused(ValueError):
    """A value out of bounds; the message begins with the field."""


def read_script(text: str) -> tuple[Entry, ...]:
    """Return the entries of a script in YAML, which JSON is part of; an empty text has none.

    Raises InvalidArgument, in one sentence.
    """
    if len(text) > MAX_CHARACTERS:
        raise _invalid(f"it has {len(text):,} characters, at most {MAX_CHARACTERS:,} are read")
    tree = _tree(text)
    return () if tree is None else parse_script(tree)


def parse_script(tree: object) -> tuple[Entry, ...]:
    """Return the entries of a script that was read already. Raises InvalidArgument, in one sentence."""
    if not isinstance(tree, list):
        raise _invalid(f"it is {_show(tree)}, allowed is a list of entries with `when` and `do`")
    if len(tree) > MAX_ENTRIES:
        raise _invalid(f"it has {len(tree):,} entries, at most {MAX_ENTRIES:,} are read")
    entries = []
    for number, given in enumerate(tree, 1):
        try:
            entries.append(_entry(number, given))
        except _Refused as refusal:
            raise _invalid(f"entry {number}: {refusal}") from None
    return tuple(entries)


def _invalid(words: str) -> InvalidArgument:
    return InvalidArgument(f"fault script: {words}", field="faults")


def _show(value: object) -> str:
    return _shown.repr(value)


def _tree(text: str) -> object:
    import yaml

    class OnceOnly(yaml.SafeLoader):
        """Refuses equal keys, of which PyYAML keeps the last, and aliases, with which a short text unfolds for ever."""

        def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
            if self.check_event(yaml.AliasEvent):
                raise yaml.MarkedYAMLError(
                    problem="an alias (*) stands here: write the entry out",
                    problem_mark=self.peek_event().start_mark,  # type: ignore[no-untyped-call]
                )
            return super().compose_node(parent, index)

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            seen: list[object] = []
            for key, _ in node.value:
                if key.value in seen:
                    raise yaml.MarkedYAMLError(
                        problem=f"{_show(key.value)} stands twice in one entry: keep one", problem_mark=key.start_mark
                    )
                seen.append(key.value)
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(text, Loader=OnceOnly)  # noqa: S506  (a SafeLoader)
    except yaml.MarkedYAMLError as fault:
        line = f"line {fault.problem_mark.line + 1}: " if fault.problem_mark else ""
        raise _invalid(f"{line}{_one_line(fault.problem or fault.context or 'no YAML')}") from None
    except yaml.YAMLError as fault:
        raise _invalid(f"no YAML: {_one_line(str(fault))}") from None
    except RecursionError:
        raise _invalid("it is nested too deeply, allowed are 4 levels") from None
    except ValueError as fault:  # a number of thousands of digits, a 45th of March
        raise _invalid(f"a value cannot be read: {_one_line(str(fault))}") from None


def _one_line(words: str) -> str:
    return " ".join(words.split())[:200]


def _entry(number: int, given: object) -> Entry:
    if not isinstance(given, dict):
        raise _Refused(f"it is {_show(given)}, allowed is a mapping with `when` and `do`")
    fields = {name: value for name, value in given.items() if name not in ("when", "do")}
    do = _do(given.get("do"), fields)
    when = _when(given.get("when"))
    _check_place(given["when"], when, do)
    return Entry(number, when, do)


# ── what goes wrong ──────────────────────────────────────────────────────────


def _do(word: object, fields: dict[object, object]) -> Do:
    if word is None:
        raise _Refused("`do` is missing, allowed are " + ", ".join(KINDS))
    if isinstance(word, str) and (call := _CALL.fullmatch(word)):
        word, fields = "reject", {**fields, "code": int(call[1])}
    if not isinstance(word, str) or word not in KINDS:
        raise _Refused(f"`do` is {_show(word)}, allowed are {', '.join(KINDS)}")
    kind = KINDS[word]
    allowed = kind.must + kind.may
    for name in fields:
        if name not in allowed:
            raise _Refused(f"{_show(name)} is no field of {word}, allowed are {', '.join(allowed) or 'none'}")
    for name in kind.must:
        if name not in fields:
            raise _Refused(f"{word} needs `{name}`")
    values = {_ATTRIBUTES.get(name, name): _READERS[name](name, fields[name]) for name in allowed if name in fields}
    _settle(word, values)
    return Do(word, **values)


def _settle(word: str, values: dict[str, Any]) -> None:
    """Refuse fields that do not go together and fill in what the fault's word implies."""
    if word == "gap_price" and ("price" in values) == ("bps" in values):
        raise _Refused("gap_price needs one of `price` and `bps`")
    if "then" in values and "retry_after_s" not in values:
        raise _Refused("`then` needs `retry_after`, the seconds for which it holds")
    if word in HELD_MS:
        values.setdefault("ms", HELD_MS[word])
    if word in ("drop_ack", "truncate_body", "garbage"):
        values.setdefault("executed", True)


def _whole(low: int, high: int) -> Callable[[str, object], int]:
    def read(name: str, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise _Refused(f"`{name}` is {_show(value)}, allowed are whole numbers from {low:,} to {high:,}")
        return value

    return read


def _seconds(name: str, value: object) -> float:
    if (
        isinstance(value, bool) or not isinstance(value, int | float)
        or not math.isfinite(value) or not 0 <= value <= MAX_S
    ):  # fmt: skip
        raise _Refused(f"`{name}` is {_show(value)}, allowed are 0 to {MAX_S:,} s")
    return float(value)


def _truth(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _Refused(f"`{name}` is {_show(value)}, allowed are true and false")
    return value


def _amount(name: str, value: object) -> Decimal:
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            amount = Decimal(str(value))
        except (InvalidOperation, ValueError):
            amount = Decimal(0)
        if amount.is_finite() and Decimal("1e-8") <= amount <= Decimal("1e9") and amount == round(amount, 8):
            return amount
    raise _Refused(f"`{name}` is {_show(value)}, allowed are 0.00000001 to 1,000,000,000 with at most 8 decimals")


def _word(name: str, value: object, longest: int = 100) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
        raise _Refused(f"`{name}` is {_show(value)}, allowed are 1 to {longest} printable characters")
    return value


def _symbol(name: str, value: object) -> str:
    if not isinstance(value, str) or not _SYMBOL.fullmatch(value):
        raise _Refused(f"`{name}` is {_show(value)}, allowed is a symbol such as BTCUSDT")
    return value


def _class(name: str, value: object) -> str:
    if value not in _CLASSES:
        raise _Refused(f"`{name}` is {_show(value)}, allowed are {', '.join(_CLASSES)}")
    return str(value)


_ATTRIBUTES: Final = {"retry_after": "retry_after_s"}
_READERS: Final[dict[str, Callable[[str, object], Any]]] = {
    "ms": _whole(-MAX_MS, MAX_MS), "for_s": _seconds, "executed": _truth, "code": _whole(-99_999, -1),
    "status": _whole(400, 599), "retry_after": _whole(0, 86_400), "then": _whole(400, 599), "stream": _class,
    "symbol": _symbol, "api_key": _word, "qty": _amount, "price": _amount, "bps": _whole(-9_999, 100_000),
}  # fmt: skip


# ── when ─────────────────────────────────────────────────────────────────────


def _when(given: object) -> When:
    if not isinstance(given, dict) or not given:
        raise _Refused(f"`when` is {_show(given)}, allowed is a mapping of {', '.join(_WHEN_FIELDS)}")
    for name in given:
        if name not in _WHEN_FIELDS:
            raise _Refused(f"{_show(name)} is no condition, allowed are {', '.join(_WHEN_FIELDS)}")
    if len(named := [name for name in _TRIGGERS if name in given]) > 1:
        raise _Refused(f"`when` has {' and '.join(named)}, allowed is one of {', '.join(_TRIGGERS)}")
    if "nth" in given and "prob" in given:
        raise _Refused("`when` has nth and prob, allowed is one of them")
    if ("nth" in given or "prob" in given) and not any(name in given for name in _COUNTED):
        raise _Refused(f"nth and prob count what {', '.join(_COUNTED)} names, and `when` has none of them")
    return When(**{_CONDITIONS[name][0]: _CONDITIONS[name][1](name, value) for name, value in given.items()})


def _endpoint(name: str, value: object) -> tuple[str, str]:
    method, _, path = str(value).partition(" ") if isinstance(value, str) else ("", "", "")
    if not path and method.startswith(("/", "*")):
        method, path = "*", method
    path = path.strip()
    if method not in _METHODS or not path.startswith(("/", "*")) or len(path) > 100 or not path.isprintable():
        raise _Refused(f'`{name}` is {_show(value)}, allowed is a method and a path, such as "POST /fapi/v1/order"')
    return method, path


def _client_id(name: str, value: object) -> str:
    word = _word(name, value, 65)
    return word[:-1] + "…" if word.endswith("*") else word


def _event(name: str, value: object) -> str:
    if not isinstance(value, str) or value not in EVENT_NAMES:
        raise _Refused(f"`{name}` is {_show(value)}, allowed are {', '.join(EVENT_NAMES)}")
    return value


def _rate(name: str, value: object) -> Rate:
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match[1]) == 0:
        raise _Refused(f"`{name}` is {_show(value)}, allowed are a number and a span: 50/s, 300/10s, 1200/min")
    return Rate(int(match[1]), _RATE_SPANS[match[2]] * NS_PER_S)


def _prob(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise _Refused(f"`{name}` is {_show(value)}, allowed are 0 to 1")
    return float(value)


_CONDITIONS: Final[Mapping[str, tuple[str, Callable[[str, object], Any]]]] = {
    "endpoint": ("endpoint", _endpoint), "client_id": ("client_id", _client_id), "event": ("event", _event),
    "stream": ("stream", _word), "time": ("time_s", _seconds), "request": ("request", _whole(1, MAX_COUNT)),
    "rate": ("rate", _rate), "nth": ("nth", _whole(1, MAX_COUNT)), "prob": ("prob", _prob),
}  # fmt: skip


def _check_place(given: Mapping[str, object], when: When, do: Do) -> None:
    """Refuse a condition that never meets the fault: no request has an event, no frame a client id of ours."""
    allowed = _HOOK_TRIGGERS[KINDS[do.kind].hook]
    for name in given:
        if name not in allowed and name not in ("nth", "prob"):
            raise _Refused(f"{do.kind} cannot wait for `{name}`, allowed are {', '.join(allowed)}")
    if do.kind == "clock_skew":
        return
    if do.ms < 0:
        raise _Refused(f"`ms` is {do.ms:,}, allowed are 0 to {MAX_MS:,}")
    if when.stream is not None and when.client_id is not None:
        raise _Refused("`when` has stream and client_id, and no market frame names an order")
