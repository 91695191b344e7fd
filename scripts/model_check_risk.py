"""Walk every transition of the ladder, the loss wall, the halt and the mode on quantised inputs, and hold the rules.

    .venv/bin/python scripts/model_check_risk.py

Inputs take one value on each side of every bound in the tables. Held, for every state under every input:

- the level rises by one at most, never twice in a day, and only where the table says so; L0 is left by a review alone
- drawdown >= 10 % or day loss >= 5 % reaches L0 in one evaluation, from everywhere
- no two rules disagree: what a rise or a fall has led to, the same evidence does not undo
- no deadlock: from every level but L0 without a review some evidence leads on; every state is reached
- the wall takes no two steps in 30 minutes but by an operator, and comes down in its three ways alone
- openings are refused exactly where a halt, a hold, L0 or the wall says so
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from chanflow.domain.account import AccountSnapshot
from chanflow.domain.order import Reason
from chanflow.domain.time import NS_PER_DAY, NS_PER_S
from chanflow.risk.halt import HaltCause, HaltState
from chanflow.risk.inputs import ask_halt, ask_mode
from chanflow.risk.ladder import (
    CLIMBS,
    LEVELS,
    Evidence,
    LadderState,
    Level,
    Window,
    apply,
    evaluate,
    review,
    start,
)
from chanflow.risk.limits import Limits
from chanflow.risk.loss_wall import WallState, blocks, lift, watch
from chanflow.risk.mode import Hold, HoldKind, ModeState, RunMode
from chanflow.risk.soft_rules import ask_authority, ask_wall
from chanflow.risk.state import Memory, RiskState, Rules
from chanflow.risk.verdict import Verdict

D = Decimal
LIMITS = Limits()
NOW = 20_000 * NS_PER_DAY + NS_PER_DAY // 2
DRAWDOWNS = tuple(map(D, ("0", "0.049", "0.05", "0.08", "0.10")))
DAY_LOSSES = tuple(map(D, ("0", "0.015", "0.03", "0.049", "0.05")))
STREAKS = range(6)
RATES = (None, *map(D, ("0.44", "0.45", "0.50", "0.55", "0.60", "0.65", "0.70")))
SAMPLES = (4, 9, 19, 50)
RATIOS = ((None, None, 0), (D("1.0"), D("0.69"), 20), (D("1.5"), D("0.7"), 19), (D("2.0"), D("0.7"), 20))
"""(Sharpe, consistency, green days)."""
EXPECTANCIES = (D(0), D(1))
AGES = (0, 7, 30)
"""Days in the level."""


@dataclass
class Tally:
    """What was walked and what was found wrong."""

    transitions: int = 0
    wrong: list[str] = field(default_factory=list)
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)

    def hold(self, what: str, holds: bool, *seen: object) -> None:
        """Note a rule that does not hold, the first three times."""
        if not holds and sum(line.startswith(what) for line in self.wrong) < 3:
            self.wrong.append(f"{what}: {' '.join(map(str, seen))}")


def evidences() -> Iterator[Evidence]:
    """Yield one evidence for every combination of buckets."""
    for dd, dl, losses, rate, trades, ratio, gain in product(
        DRAWDOWNS, DAY_LOSSES, STREAKS, RATES, SAMPLES, RATIOS, EXPECTANCIES
    ):
        window = Window(trades, rate, gain)
        yield Evidence(dd, dl, losses, window, window, *ratio)


def ladder_states() -> Iterator[LadderState]:
    """Yield every level at every age, risen today or not."""
    today = NOW // NS_PER_DAY
    for level, age, rose in product(LEVELS, AGES, (None, today)):
        since = NOW - age * NS_PER_DAY
        yield LadderState("paper", level, since, since, since, rose)


def climbs(state: LadderState, e: Evidence) -> bool:
    """Return whether the table lets a state rise, written down a second time."""
    rate, gain = e.month.win_rate, e.month.expectancy_quote
    age, trades = (NOW - state.since_ns) // NS_PER_DAY, e.month.trades
    if rate is None or gain is None or gain <= 0 or state.rose_day == NOW // NS_PER_DAY:
        return False
    sharpe, steady = e.sharpe or D(-1), e.consistency or D(-1)
    return {
        "L1": age >= 7 and trades >= 5 and rate >= D("0.50") and e.drawdown_frac < D("0.08") and e.straight_losses < 3,
        "L2": age >= 30 and trades >= 10 and rate >= D("0.50") and e.drawdown_frac < D("0.08") and sharpe >= 1,
        "L3": age >= 30 and trades >= 20 and rate >= D("0.60") and e.drawdown_frac < D("0.08")
        and sharpe >= D("1.5") and steady >= D("0.7"),
        "L4": age >= 30 and trades >= 50 and rate >= D("0.70") and e.drawdown_frac < D("0.05") and sharpe >= 2
        and e.green_days >= 20,
    }.get(state.level, False)  # fmt: skip


def check_ladder(tally: Tally) -> None:
    """Walk the ladder."""
    states = tuple(ladder_states())
    later = NOW + NS_PER_S
    for e in evidences():
        red = e.drawdown_frac >= D("0.10") or e.day_loss_frac >= D("0.05") or e.straight_losses >= 5
        for state in states:
            change = evaluate(state, e, LIMITS, NOW)
            tally.transitions += 1
            level = state.level
            if change is None:
                tally.hold("a red line leads to L0", not red or level == "L0", level, e)
                tally.hold("the table lets it rise", level == "L0" or not climbs(state, e), level, e)
                continue
            tally.moves[level, change.after] += 1
            after = apply(state, change)
            step = LEVELS.index(after.level) - LEVELS.index(level)
            tally.hold("L0 is left by a review alone", level != "L0", e)
            tally.hold("a red line leads to L0", not red or after.level == "L0", level, e)
            tally.hold("one step at a time", step in (1, -1) or after.level == "L0", level, after.level)
            tally.hold("it rises by the table alone", step != 1 or climbs(state, e), level, e)
            again = evaluate(after, e, LIMITS, later)
            tally.transitions += 1
            undone = again is not None and (LEVELS.index(again.after) - LEVELS.index(after.level)) * step < 0
            tally.hold("no two rules disagree", not undone, level, after.level, again)


def check_reviews(tally: Tally) -> None:
    """Walk the one way out of L0."""
    for state, dd, dl in product(ladder_states(), DRAWDOWNS, DAY_LOSSES):
        answer = review(state, Evidence(dd, dl, 5, forced_close=True), LIMITS, who="a", note="n", now_ns=NOW)
        tally.transitions += 1
        standing = dd >= D("0.10") or dl >= D("0.05")
        may = state.level == "L0" and not standing and state.rose_day != NOW // NS_PER_DAY
        tally.hold("a review leads from L0 to L1", isinstance(answer, Reason) != may, state.level, dd, dl)
        if not isinstance(answer, Reason):
            tally.moves["L0", answer[0].level] += 1


def check_reach(tally: Tally) -> None:
    """Hold that every level is reached from the start, and is left again."""
    reached: set[str] = {start("paper", NOW).level, start("live", NOW).level}
    while more := {b for a, b in tally.moves if a in reached} - reached:
        reached |= more
    tally.hold("every level is reached", reached == set(LEVELS), sorted(reached))
    for level in LEVELS:
        leads = {b for a, b in tally.moves if a == level}
        tally.hold("no deadlock", bool(leads), level)
        tally.hold("up is possible", level not in CLIMBS or LEVELS[LEVELS.index(level) + 1] in leads, level)
        tally.hold("L0 is near", level == "L0" or "L0" in leads, level)


def wall_states() -> Iterator[WallState]:
    """Yield the wall in every condition that its rules tell apart."""
    hold, today = 30 * 60 * NS_PER_S, NOW // NS_PER_DAY
    for standing, waived, day, raised, seen, low, changed in product(
        (False, True), (False, True), (today - 1, today), (None, today - 1, today),
        (None, NOW - 30 * NS_PER_S, NOW - 61 * NS_PER_S), (None, NOW - hold + 1, NOW - hold),
        (None, NOW - hold + 1, NOW - hold),
    ):  # fmt: skip
        yield WallState(standing, day, seen, low, changed, raised, waived)


def check_wall(tally: Tally) -> list[WallState]:
    """Walk the wall. Returns every state seen."""
    hold, found = 30 * 60 * NS_PER_S, []
    for state, loss, flat in product(wall_states(), DAY_LOSSES, (False, True)):
        after, change = watch(state, loss, LIMITS, NOW, flat=flat)
        tally.transitions += 1
        found.append(after)
        early = state.changed_ns is not None and NOW - state.changed_ns < hold
        tally.hold("one step in 30 minutes", change is None or not early, state, loss)
        tally.hold("a step is told", (change is None) == (after.standing == state.standing), state, loss)
        loud = loss >= D("0.03") and not after.waived
        tally.hold("a loss at the wall refuses at once", blocks(after, loss, LIMITS) or not loud, state, loss)
        if state.standing and not after.standing:
            new_day = state.raised_day is not None and state.raised_day < NOW // NS_PER_DAY and loss < D("0.03")
            low = state.low_since_ns is not None and NOW - state.low_since_ns >= hold and loss <= D("0.015")
            tally.hold("it comes down in its ways alone", new_day or low, state, loss)
        answer = lift(after, who="a", note="n", now_ns=NOW)
        tally.transitions += 1
        tally.hold("an operator lifts what stands", isinstance(answer, Reason) != after.standing, after)
        if not isinstance(answer, Reason):
            tally.hold("a lifted wall lets openings on", not blocks(answer[0], loss, LIMITS), after, loss)
    return found


def check_openings(tally: Tally, walls: list[WallState]) -> None:
    """Hold that openings are refused exactly where something says so: level x wall x halt x hold x mode x day loss."""
    halts = (HaltState(), HaltState((HaltCause("file", "", NOW),)))
    kinds: tuple[HoldKind, ...] = ("data", "broker", "risk", "manual")
    modes = [ModeState("active"), ModeState("quiet"), *(ModeState(holds=(Hold(k, "", NOW),)) for k in kinds)]
    runs: tuple[RunMode, ...] = ("hold", "paper")
    distinct = sorted({(w.standing, w.waived) for w in walls})
    for halt, mode, run, quiet, level, loss, (standing, waived) in product(
        halts, modes, runs, (False, True), LEVELS, DAY_LOSSES, distinct
    ):
        verdict, wall = Verdict(), WallState(standing=standing, waived=waived)
        state, rules = RiskState(level, mode, halt, wall), Rules({}, LIMITS, run_mode=run, quiet_may_open=quiet)
        _ask(state, rules, loss, verdict)
        tally.transitions += 1
        held = run == "hold" or mode.mode.startswith("hold") or (mode.mode == "quiet" and not quiet)
        walled = standing or (loss >= D("0.03") and not waived)
        names = {"halt": halt.halted, "strategy_mode": held, "authority": level == "L0", "loss_wall": walled}
        expected = {name for name, stands in names.items() if stands}
        tally.hold("refused exactly where something says so", {r.code for r in verdict.reasons} == expected, state)


def _ask(state: RiskState, rules: Rules, loss: Decimal, verdict: Verdict) -> None:
    start_quote = D(1000)
    account = AccountSnapshot(
        NOW, start_quote, start_quote * (1 - loss), start_quote, start_quote, D(0), (), (), 0, reconciled=True
    )  # fmt: skip
    ask_halt(state, verdict)
    ask_mode(state, rules, verdict)
    ask_authority(state, rules, Memory(), verdict)
    ask_wall(state, account, LIMITS, verdict)


def check_all() -> Tally:
    """Walk everything."""
    tally = Tally()
    check_ladder(tally)
    check_reviews(tally)
    check_reach(tally)
    check_openings(tally, check_wall(tally))
    return tally


def main() -> int:
    """Print what was walked; 1 where a rule does not hold."""
    began = time.process_time()
    tally = check_all()
    took = time.process_time() - began
    moves: list[tuple[Level, Level]] = sorted(tally.moves)  # type: ignore[arg-type]
    print(f"{tally.transitions:,} transitions in {took:.1f} s of CPU, {len(moves)} kinds of step:")
    print("  " + " ".join(f"{a}>{b}" for a, b in moves))
    for line in tally.wrong:
        print(f"wrong: {line}")
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
