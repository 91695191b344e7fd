"""`chanflow ask`: a decision of the running desk's analyst, asked for by hand."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, TextIO

from chanflow.domain.errors import InvalidArgument, NotFound, OrderFateUnknown
from chanflow.domain.time import NS_PER_S
from chanflow.interfaces.cli.explain import write_decision
from chanflow.interfaces.cli.risk import ask_door, newest_journal
from chanflow.review.decision import ended
from chanflow.review.journal import JournalTail, Record
from chanflow.runtime.clock import SystemClock

LOOK_NS = NS_PER_S // 5
LONGEST_NS = 300 * NS_PER_S
"""A decision that has not ended by then is left to `chanflow explain`."""


def run_ask(
    symbol: str, *, level: str | None, position: str | None, wait: bool, root: Path, out: TextIO
) -> None:  # fmt: skip
    """Write the decision's id, or with `wait` its card once it has ended.

    Raises NotFound where no desk runs, InvalidArgument for what it does not look at, OrderFateUnknown where the
    decision has not ended in five minutes.
    """
    body = {"symbol": symbol, "level": level, "position_id": position}
    answer = ask_door(root, "/decisions", {name: value for name, value in body.items() if value is not None})
    if answer is None:
        raise NotFound("no desk runs here: start one with chanflow up")
    if "decision_id" not in answer:
        raise InvalidArgument(str(answer.get("message", "the desk refused")), field=answer.get("field"))
    decision_id = str(answer["decision_id"])
    if not wait:
        out.write(f"decision {decision_id} is asked for: chanflow explain {decision_id} tells what it comes to\n")
        return
    journal = newest_journal(root)
    write_decision(asyncio.run(_until_ended(journal, decision_id)), journal, decision_id, out=out)


async def _until_ended(journal: Path, decision_id: str) -> list[Record]:
    clock, tail, records = SystemClock(), JournalTail(journal), list[Any]()
    until_ns = clock.monotonic_ns() + LONGEST_NS
    while True:
        records += tail.read()
        if ended(records, decision_id):
            return records
        if clock.monotonic_ns() > until_ns:
            raise OrderFateUnknown(f"decision {decision_id} has not ended yet: chanflow explain tells more later")
        await clock.sleep_until(clock.now_ns() + LOOK_NS)
