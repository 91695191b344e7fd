"""From a stretch of the market to a proposal: with rules, and with a model that takes three seconds.

    .venv/bin/python benchmarks/decision.py [--hours 12] [--asked 5]

Rules: the whole desk plays a synthetic market; a decision's time is that of its step, from the rows to the proposal in
the journal, by the clock and by CPU time (other work on the machine waits into the first). Model: a scripted server on
loopback answers after three seconds in all, with a look at a tool in between; what is counted is the question's time
from `decision_started` to `trade_proposal`, by the clock.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chanflow.adapters.llm.scripted.script import read_script
from chanflow.adapters.llm.scripted.server import ScriptedServer
from chanflow.interfaces.cli.models import models_of
from chanflow.market.synthetic import SyntheticSource
from chanflow.review.journal import JournalWriter
from chanflow.runtime.clock import SystemClock
from chanflow.runtime.model_parts import MakeModel, no_model
from chanflow.runtime.run import Progress, name_run, play
from chanflow.runtime.settings import Loaded, load_settings
from chanflow.runtime.wiring import RunSpec

RULES_MS, MODEL_S, ANSWER_S = 200.0, 5.0, 3.0
SCRIPT = f"""
- when: {{turn: 1}}
  reply: {{sense: true}}
  fault: {{kind: delay, seconds: {ANSWER_S}}}
- reply: {{sense: true}}
"""
LEVEL = "1m"


class Enough(Exception):
    """As many decisions as were asked for."""


@dataclass
class Watchmaker:
    """Times decisions as the journal tells of them."""

    most: int
    began: dict[str, float] = field(default_factory=dict)
    step: tuple[float, float] = (0.0, 0.0)
    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    question_s: list[float] = field(default_factory=list)

    def stepped(self, _: Progress) -> None:
        """A step has ended, the next begins."""
        if len(self.question_s) >= self.most:
            raise Enough
        self.step = (time.perf_counter(), time.process_time())

    def heard(self, kind: str, _at: str, correlation: str, _body: Any) -> None:
        """Take the time of a record."""
        if kind == "decision_started":
            self.began[correlation] = time.perf_counter()
        elif kind == "trade_proposal" and correlation in self.began:
            now = time.perf_counter()
            self.question_s.append(now - self.began.pop(correlation))
            self.wall_s.append(now - self.step[0])
            self.cpu_s.append(time.process_time() - self.step[1])


async def timed(loaded: Loaded, make_model: MakeModel, *, hours: int, most: int, folder: Path) -> Watchmaker:
    """Play a market until it ends or `most` decisions were made."""
    source = SyntheticSource(7, duration_s=hours * 3_600)
    spec = RunSpec(name_run("bench", 7, LEVEL, source, loaded.settings), 7, LEVEL, loaded.settings)
    watch = Watchmaker(most)
    journal = JournalWriter(folder / "journal.jsonl")
    journal.listen(watch.heard)
    try:
        await play(
            spec, source, journal, bus_path=folder / "bus.db", lake=None, on_progress=watch.stepped,
            make_model=make_model,
        )  # fmt: skip
    except Enough:
        pass
    finally:
        journal.close()
    return watch


async def with_model(hours: int, asked: int, folder: Path) -> Watchmaker:
    """Let a scripted model decide."""
    async with ScriptedServer(read_script(SCRIPT), clock=SystemClock()) as server:
        provider = f'{{"local": {{"kind": "openai_compatible", "base_url": "{server.base_url}", "free": true}}}}'
        loaded = load_settings(
            config=None, overrides=(f"providers={provider}", "agents.analyst.model=local/scripted"),
            environ={"CHANFLOW_HOME": str(folder)},
        )  # fmt: skip
        async with models_of(loaded, played=True) as make_model:
            return await timed(loaded, make_model, hours=hours, most=asked, folder=folder)


def quantile(values: list[float], share: float) -> float:
    """Return the value below which a share of them lies."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


def main() -> None:
    """Print both figures; the exit code is 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--asked", type=int, default=5)
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as base:
        folder = Path(base)
        loaded = load_settings(config=None, overrides=(), environ={"CHANFLOW_HOME": base})
        rules = asyncio.run(timed(loaded, no_model, hours=args.hours, most=sys.maxsize, folder=folder))
        (folder / "model").mkdir()
        model = asyncio.run(with_model(args.hours, args.asked, folder / "model"))
    for name, values in (("clock", rules.wall_s), ("CPU", rules.cpu_s)):
        p50, p99 = (1_000 * quantile(values, share) for share in (0.5, 0.99))
        figures = f"n={len(values)}, p50 {p50:.2f} ms, p99 {p99:.2f} ms, target {RULES_MS:g}"
        print(f"rules, data to proposal ({name}): {figures}")
    worst = max(model.question_s)
    print(f"a model of {ANSWER_S:g} s: n={len(model.question_s)}, p50 {quantile(model.question_s, 0.5):.2f} s, "
          f"longest {worst:.2f} s, target {MODEL_S:g}")  # fmt: skip
    sys.exit(1 if 1_000 * quantile(rules.cpu_s, 0.99) > RULES_MS or worst > MODEL_S else 0)


if __name__ == "__main__":
    main()
