"""What OKX's error codes mean for the desk.

An answer has a code of its own and, for commands about orders, one for each order (`sCode`); the order's is the one
that counts. Codes that are not in the table are refusals where the answer is a verdict, and unknown otherwise.

Source: OKX API documentation v5, "Error Code".
"""

from __future__ import annotations

from typing import Any, Final

from chanflow.adapters.transport.bodies import load
from chanflow.execution.ports import Accepted, Action, Outcome, Unknown, VenueRefused

_BY_ACTION: Final[dict[Action, tuple[int, ...]]] = {
    Action.UNKNOWN: (50001, 50004, 50005, 50013, 50026),
    Action.ASK_ORDER: (51400, 51401, 51402, 51405, 51410, 51503, 51509, 51510, 51603),
    Action.ASK_DUPLICATE: (51011, 51016, 51065),
    Action.RESYNC_CLOCK: (50102, 50112),
    Action.HALT_ACCOUNT: (
        50007, 50008, 50009, 50012, 50027, 50028, 50100, 50101, 50103, 50104, 50105, 50106, 50107, 50110, 50111, 50113,
        50114, 50119, 51009, 51024, 51733,
    ),
    Action.HALT_SETTINGS: (50016, 51010, 51169, 59000),
    Action.PAUSE: (50011, 50040, 50061, 51113),
    Action.STOP_OPENING: (
        50017, 50018, 50019, 50020, 50021, 50022, 50023, 51021, 51022, 51027, 51028, 51029, 51030, 51155,
    ),
    Action.FIX_RULES: (
        50014, 51000, 51001, 51002, 51003, 51004, 51005, 51007, 51015, 51020, 51100, 51101, 51105, 51116, 51118, 51120,
        51121, 51122, 51202, 51203, 51204,
    ),
    Action.REPLAN: (
        51006, 51031, 51046, 51047, 51051, 51108, 51109, 51135, 51136, 51137, 51138, 51250, 51277, 51278, 51279, 51280,
        51511,
    ),
    Action.REFRESH_ACCOUNT: (51008, 51119, 51127, 51131, 51502, 51736),
    Action.RECONCILE: (51023, 51112, 51115, 51134, 51170, 51205),
    Action.PRUNE: (51025, 51102, 51103, 51174, 51261),
    Action.SUCCESS: (52000,),
}  # fmt: skip

ACTIONS: Final[dict[int, Action]] = {code: action for action, codes in _BY_ACTION.items() for code in codes}
"""What to do about each code. One that is not here is a refusal."""

_PAUSING: Final = (403, 418, 429)
_LONGEST_MESSAGE: Final = 300


def outcome_of(status: int, body: bytes) -> Outcome:
    """Return what an HTTP answer comes to: accepted, refused with its action, or unknown."""
    code, message = _verdict(body)
    if status in _PAUSING:
        return VenueRefused(code or status, message or f"HTTP {status}", ACTIONS.get(code or 0, Action.PAUSE))
    if code is None or status >= 500 or not 200 <= status < 500:
        return Unknown(f"HTTP {status}{f' {code}' if code else ''}: {message or 'no verdict'}")
    action = Action.SUCCESS if code == 0 else ACTIONS.get(code, Action.REFUSED)
    if action is Action.UNKNOWN:
        return Unknown(f"{code}: {message}")
    return Accepted() if action is Action.SUCCESS else VenueRefused(code, message, action)


def _verdict(body: bytes) -> tuple[int | None, str]:
    """Return code and message of an answer, those of its one order where it has them; None for no answer of OKX's."""
    try:
        answer = load(body)
    except ValueError:
        return None, ""
    if not isinstance(answer, dict):
        return None, ""
    rows = answer.get("data")
    row = rows[0] if isinstance(rows, list) and len(rows) == 1 and isinstance(rows[0], dict) else {}
    if str(row.get("sCode", "0")) != "0":
        return _number(row["sCode"]), str(row.get("sMsg", ""))[:_LONGEST_MESSAGE]
    return _number(answer.get("code")), str(answer.get("msg", ""))[:_LONGEST_MESSAGE]


def _number(code: Any) -> int | None:
    return int(code) if isinstance(code, str) and code.isdigit() and len(code) <= 9 else None
