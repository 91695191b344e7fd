"""What each of Binance USD-M's documented error codes means for the desk.

The table is data: every documented code stands in it once, under what is to be done about it. An HTTP status of 5xx, a
body without a code and a body that cannot be read are unknown, whatever was sent: the order may have been executed.

Source: Binance USD-M futures documentation, "Error Code", and the codes announced since (-4120).
"""

from __future__ import annotations

import json
from typing import Any, Final

from chanflow.execution.ports import Accepted, Action, Outcome, Unknown, VenueRefused

_BY_ACTION: Final[dict[Action, tuple[int, ...]]] = {
    Action.UNKNOWN: (-1000, -1006, -1007),
    Action.ASK_THEN_REPEAT: (-1001,),
    Action.ASK_ORDER: (-2011, -2013),
    Action.ASK_DUPLICATE: (-4116,),
    Action.RESYNC_CLOCK: (-1021, -5028),
    Action.HALT_ACCOUNT: (-1002, -1011, -1022, -1099, -1109, -2014, -2015, -2017, -4056, -4057, -4109, -4402),
    Action.HALT_SETTINGS: (-4060, -4061),
    Action.PAUSE: (-1003, -1015),
    Action.STOP_OPENING: (-1008, -1016, -1122, -2023, -4087, -4088, -4140, -4141, -4192, -4400, -4401),
    Action.FIX_RULES: (
        -1013, -1111, -4001, -4002, -4003, -4004, -4005, -4006, -4007, -4013, -4014, -4016, -4019, -4023, -4024, -4029,
        -4030, -4164, -4183, -4184, -4210, -4211, -5029,
    ),
    Action.REPLAN: (-2010, -2020, -2021, -4131, -4135, -4142, -5021, -5022, -5041),
    Action.REFRESH_ACCOUNT: (-2018, -2019, -2027, -2028, -4050, -4051, -4118),
    Action.RECONCILE: (-2022, -2024, -4117),
    Action.PRUNE: (-2025, -4045),
    Action.REROUTE: (-4120,),
    Action.NEW_LISTEN_KEY: (-1125,),
    Action.SUCCESS: (-4046, -4052, -4059, -4171, -5027),
    Action.REFUSED: (
        -1004, -1005, -1010, -1014, -1020, -1023, -1100, -1101, -1102, -1103, -1104, -1105, -1106, -1108, -1110, -1112,
        -1113, -1114, -1115, -1116, -1117, -1118, -1119, -1120, -1121, -1126, -1127, -1128, -1130, -1136,
        -2012, -2016, -2026,
        -4000, -4008, -4009, -4010, -4011, -4012, -4015, -4017, -4018, -4020, -4021, -4022, -4025, -4026, -4027, -4028,
        -4031, -4032, -4033, -4044, -4047, -4048, -4049, -4053, -4054, -4055, -4058, -4062, -4063, -4064, -4065, -4066,
        -4067, -4068, -4069, -4070, -4071, -4072, -4073, -4074, -4075, -4076, -4077, -4078, -4079, -4080, -4081, -4082,
        -4083, -4084, -4085, -4086, -4104, -4114, -4115, -4137, -4138, -4139, -4144, -4161, -4165, -4167, -4168, -4169,
        -4170, -4172, -4202, -4203, -4205, -4206, -4208, -4209, -4403,
        -5024, -5025, -5037, -5038, -5039, -5040,
    ),
}  # fmt: skip

ACTIONS: Final[dict[int, Action]] = {code: action for action, codes in _BY_ACTION.items() for code in codes}
"""What to do about each code. One that is not here is refused where the status is 4xx, and unknown otherwise."""

_PAUSING: Final = (403, 418, 429)
"""Firewall, ban and rate limit: told by the status, with or without a code."""
_LONGEST_MESSAGE: Final = 300


def outcome_of(status: int, body: bytes) -> Outcome:
    """Return what an HTTP answer to a command comes to: accepted, refused with its action, or unknown."""
    answer = _read(body)
    if 200 <= status < 300:
        return (
            Accepted() if isinstance(answer, dict | list) else Unknown(f"HTTP {status} with a body that is no answer")
        )
    code, message = _error(answer)
    if status in _PAUSING:
        return VenueRefused(code or -status, message or f"HTTP {status}", ACTIONS.get(code, Action.PAUSE))
    action = ACTIONS.get(code)
    if status >= 500 or not 400 <= status < 500 or code == 0:
        return _failed(status, code, message, action)
    if action is Action.UNKNOWN:
        return Unknown(f"{code}: {message}")
    return Accepted() if action is Action.SUCCESS else VenueRefused(code, message, action or Action.REFUSED)


def _failed(status: int, code: int, message: str, action: Action | None) -> Outcome:
    """Return what an answer comes to that is no verdict: unknown, but for throttling, which never reaches the book."""
    if code != 0 and action in (Action.STOP_OPENING, Action.ASK_THEN_REPEAT):
        return VenueRefused(code, message, action)
    return Unknown(f"HTTP {status}{f' {code}' if code else ''}: {message or 'no code'}")


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _error(answer: Any) -> tuple[int, str]:
    """Return (code, message) of an error body; 0 where it has none that can be read."""
    if not isinstance(answer, dict):
        return 0, ""
    code, message = answer.get("code"), answer.get("msg")
    text = message[:_LONGEST_MESSAGE] if isinstance(message, str) else ""
    return (code if isinstance(code, int) and not isinstance(code, bool) and code < 0 else 0), text
