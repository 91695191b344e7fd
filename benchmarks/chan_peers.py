"""The Chan engine beside its peers on one seeded walk, alternating, in one run: `python benchmarks/chan_peers.py`.

Peers run in processes of their own and only where they are to be had: czsc in the environment whose interpreter
`PEER_CZSC` names, chan.py in the checkout that `PEER_CHANPY` names. Nothing of theirs is part of
this repository. Prints bars per second, medians, and the ratio to ours.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time

import chanflow_native
from run import walk

from chanflow.features.chan import Engine

REPEATS = 5

CZSC = """
import datetime, json, sys, time
from czsc import CZSC, Freq, RawBar
rows = json.load(sys.stdin)
began = datetime.datetime(2000, 1, 1)
bars = [RawBar(symbol="x", id=i, dt=began + datetime.timedelta(minutes=i), freq=Freq.F1, open=o, high=h, low=l, close=c,
               vol=1.0, amount=1.0) for i, (_, o, h, l, c) in enumerate(rows)]
start = time.perf_counter()
CZSC(bars, max_bi_num=10**9)
print(time.perf_counter() - start)
"""

CHANPY = """
import datetime, json, sys, threading, time
sys.path.insert(0, sys.argv[1])
sys.setrecursionlimit(10**7)
threading.stack_size(512 * 1024 * 1024)
rows = json.load(sys.stdin)

def work():
    from Chan import CChan
    from ChanConfig import CChanConfig
    from Common.CEnum import DATA_FIELD, DATA_SRC, KL_TYPE
    from Common.CTime import CTime
    from KLine.KLine_Unit import CKLine_Unit
    began = datetime.datetime(2000, 1, 1)
    def at(i):
        t = began + datetime.timedelta(minutes=i)
        return CTime(t.year, t.month, t.day, t.hour, t.minute, auto=False)
    by_bar = sys.argv[2] == "by_bar"
    start = time.perf_counter()
    units = [CKLine_Unit({DATA_FIELD.FIELD_TIME: at(i), DATA_FIELD.FIELD_OPEN: o, DATA_FIELD.FIELD_HIGH: h,
                          DATA_FIELD.FIELD_LOW: l, DATA_FIELD.FIELD_CLOSE: c})
             for i, (_, o, h, l, c) in enumerate(rows)]
    config = CChanConfig({"trigger_step": True, "divergence_rate": 0.9, "print_warning": False})
    chan = CChan(code="x", data_src=DATA_SRC.CSV, lv_list=[KL_TYPE.K_1M], config=config)
    if by_bar:
        for unit in units:
            chan.trigger_load({KL_TYPE.K_1M: [unit]})
    else:
        chan.conf.trigger_step = False
        chan[0].step_calculation = False
        chan.trigger_load({KL_TYPE.K_1M: units})
    print(time.perf_counter() - start)

runner = threading.Thread(target=work)
runner.start()
runner.join()
"""


def ours_batch(bars: int) -> float:
    """Return the seconds of the whole pipeline over so many bars."""
    columns = walk(bars)
    began = time.perf_counter()
    chanflow_native.chan_analyze(*columns)
    return time.perf_counter() - began


def ours_by_bar(bars: int) -> float:
    """Return the seconds of the whole pipeline pushed bar by bar, with its events, from Python."""
    rows = list(zip(*(c.tolist() for c in walk(bars)), strict=True))
    engine = Engine()
    began = time.perf_counter()
    for row in rows:
        engine.push(*row)
    return time.perf_counter() - began


def ours_extended(bars: int) -> float:
    """Return the seconds of the whole pipeline over so many bars in the incremental engine, all events kept."""
    columns = walk(bars)
    engine = Engine()
    began = time.perf_counter()
    engine.extend(*columns)
    return time.perf_counter() - began


def push_us(bars: int) -> tuple[float, float]:
    """Return how long half and 99 of 100 pushes from Python take at most, microseconds, the clock included."""
    rows = list(zip(*(c.tolist() for c in walk(bars)), strict=True))
    engine, took = Engine(), []
    for row in rows:
        began = time.perf_counter_ns()
        engine.push(*row)
        took.append((time.perf_counter_ns() - began) / 1_000)
    took.sort()
    return took[bars // 2], took[bars * 99 // 100]


def peer(interpreter: str, program: str, bars: int, *arguments: str) -> float:
    """Return the seconds that a peer says it took."""
    rows = json.dumps(list(zip(*(c.tolist() for c in walk(bars)), strict=True)))
    done = subprocess.run(
        [interpreter, "-c", program, *arguments], input=rows, capture_output=True, text=True, check=True
    )
    return float(done.stdout.strip().splitlines()[-1])


def main() -> None:
    """Measure and print, ours and theirs in turn."""
    czsc, chanpy = os.environ.get("PEER_CZSC"), os.environ.get("PEER_CHANPY")
    cases = [("full batch", 10_000, ours_batch, "chan.py", "batch"),
             ("full batch", 100_000, ours_batch, "chan.py", "batch"),
             ("full, bar by bar", 10_000, ours_by_bar, "chan.py", "by_bar"),
             ("batch (czsc: strokes only)", 100_000, ours_batch, "czsc", "")]  # fmt: skip
    for name, bars, ours, rival, mode in cases:
        mine, theirs = [], []
        for _ in range(REPEATS if bars <= 10_000 or rival == "czsc" else 3):
            mine.append(ours(bars))
            if rival == "czsc" and czsc:
                theirs.append(peer(czsc, CZSC, bars))
            if rival == "chan.py" and chanpy:
                theirs.append(peer(sys.executable, CHANPY, bars, chanpy, mode))
        rate = bars / statistics.median(mine)
        line = f"{name:<28} {bars:>9,} bars  ours {rate:>14,.0f} bars/s"
        if theirs:
            their_rate = bars / statistics.median(theirs)
            line += f"  {rival} {their_rate:>10,.0f} bars/s  ratio {rate / their_rate:,.0f}x"
        print(line, flush=True)
    for name, ours in (("push from Python", ours_by_bar), ("extend", ours_extended)):
        for bars in (100_000, 1_000_000):
            took = statistics.median(ours(bars) for _ in range(REPEATS))
            print(f"{name:<28} {bars:>9,} bars  ours {bars / took:>14,.0f} bars/s", flush=True)
    half, most = push_us(1_000_000)
    print(f"{'one push from Python':<28} {1_000_000:>9,} bars  p50 {half:.2f} us, p99 {most:.2f} us", flush=True)
    for bars in (100_000, 1_000_000, 10_000_000):
        took = statistics.median(ours_batch(bars) for _ in range(3))
        print(f"{'linear':<28} {bars:>9,} bars  ours {bars / took:>14,.0f} bars/s", flush=True)


if __name__ == "__main__":
    main()
