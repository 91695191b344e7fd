from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from made_features import lines, wavy

from chanflow.adapters.storage.signal_sink import BatchedSink, open_sink
from chanflow.domain.errors import InvalidArgument, RecordingInvalid, SinkUnwritable
from chanflow.domain.signal import Signal
from chanflow.runtime import signal_service as module
from chanflow.runtime.clock import SimulatedClock
from chanflow.runtime.settings import load_settings
from chanflow.runtime.signal_service import SignalService, Wanted, core_config
from chanflow.runtime.signal_settings import SignalsSettings
from chanflow.signals.core_algorithm import CoreConfig

NOTHING: Callable[[Signal], object] = lambda _: None  # noqa: E731


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SignalsSettings:
    monkeypatch.chdir(tmp_path)
    return load_settings(config=None, overrides=(), environ={"HOME": "/home/me"}).settings.signals


def sink(out: Path, kind: Any = "jsonl") -> BatchedSink:
    return open_sink(kind, out, "r1", SimulatedClock(0), pause=lambda _: None)


def service(settings: SignalsSettings, opened: BatchedSink, **options: Any) -> SignalService:
    return SignalService(settings, opened, run_id="r1", **{"wanted": Wanted(), **options})


def watch(settings: SignalsSettings, tmp_path: Path, *, on_signal: Callable[[Signal], object] = NOTHING) -> None:
    """Watch until there is nothing new."""
    stop, opened = Event(), sink(tmp_path / "out")
    try:
        watcher = service(settings, opened, on_signal=on_signal, on_progress=lambda _: stop.set())
        watcher.watch(tmp_path / "in", tmp_path / "out" / ".position.json", symbol=None, poll_s=0.01, stop=stop)
    finally:
        opened.close()


def put(tmp_path: Path, name: str, rows: list[dict[str, Any]]) -> None:
    path = tmp_path / "in" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(lines(rows))


def ids(tmp_path: Path) -> list[str]:
    return [json.loads(line)["signal_id"] for line in (tmp_path / "out" / "signals_r1.jsonl").read_text().splitlines()]


def test_the_defaults_of_settings_are_those_of_the_algorithm(settings: SignalsSettings) -> None:
    assert core_config(settings) == CoreConfig()


class Killed(Exception):
    """Stands for the end of a process."""


def test_what_was_being_read_is_read_on_first_though_an_earlier_file_has_come(
    settings: SignalsSettings, tmp_path: Path
) -> None:
    put(tmp_path, "b.jsonl", wavy(2_000))
    seen: list[str] = []

    def kill(signal: Signal) -> None:
        seen.append(signal.signal_id)
        if len(seen) == 1_250:
            raise Killed

    with pytest.raises(Killed):
        watch(settings, tmp_path, on_signal=kill)
    assert len(ids(tmp_path)) == 1_250
    put(tmp_path, "a.jsonl", wavy(300, "ETHUSDT"))
    watch(settings, tmp_path)
    assert len(ids(tmp_path)) == len(set(ids(tmp_path))) == 2_300
    assert [each for each in ids(tmp_path) if "BTC" in each] == ids(tmp_path)[:2_000]


def test_a_second_watcher_has_nothing_to_do_until_a_file_grows(settings: SignalsSettings, tmp_path: Path) -> None:
    put(tmp_path, "a.jsonl", wavy(100))
    watch(settings, tmp_path)
    put(tmp_path, "a.jsonl", wavy(150))
    watch(settings, tmp_path)
    assert len(ids(tmp_path)) == len(set(ids(tmp_path))) == 150


def test_a_sink_that_lost_rows_is_not_gone_on_with(settings: SignalsSettings, tmp_path: Path) -> None:
    put(tmp_path, "a.jsonl", wavy(100))
    watch(settings, tmp_path)
    (tmp_path / "out" / "signals_r1.jsonl").unlink()
    with pytest.raises(RecordingInvalid, match="the sink has 0 rows"):
        watch(settings, tmp_path)


@pytest.mark.parametrize("text", ["", "[]", '{"format": "other"}', "{"])
def test_a_position_that_is_none_is_refused(settings: SignalsSettings, tmp_path: Path, text: str) -> None:
    put(tmp_path, "a.jsonl", wavy(10))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".position.json").write_text(text)
    with pytest.raises(RecordingInvalid, match=r"\.position\.json"):
        watch(settings, tmp_path)


def test_a_damaged_position_is_refused(settings: SignalsSettings, tmp_path: Path) -> None:
    put(tmp_path, "a.jsonl", wavy(10))
    watch(settings, tmp_path)
    position = tmp_path / "out" / ".position.json"
    noted = json.loads(position.read_text())
    del noted["state"]["BTCUSDT"]["mode"]
    position.write_text(json.dumps(noted))
    with pytest.raises(RecordingInvalid, match="is damaged"):
        watch(settings, tmp_path)


def test_a_position_that_cannot_be_noted_is_a_fault_of_the_sink(settings: SignalsSettings, tmp_path: Path) -> None:
    put(tmp_path, "a.jsonl", wavy(10))
    (tmp_path / "out" / ".position.json").mkdir(parents=True)
    opened = sink(tmp_path / "out")
    with pytest.raises((SinkUnwritable, RecordingInvalid)):
        service(settings, opened).watch(
            tmp_path / "in", tmp_path / "out" / ".position.json", symbol=None, poll_s=0.01, stop=Event()
        )
    opened.close()


def test_a_silent_pipe_has_its_decisions_kept(
    settings: SignalsSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_S", 0.01)
    reading, writing = os.pipe()
    os.write(writing, lines(wavy(3)).encode())
    kept: list[int] = []

    class Watched(BatchedSink):
        def flush(self) -> None:
            super().flush()
            kept.append(len(ids(tmp_path)))
            if len(kept) == 1:
                os.close(writing)

    opened = sink(tmp_path / "out")
    opened.__class__ = Watched
    service(settings, opened).read_pipe(reading, symbol=None)
    os.close(reading)
    assert kept[0] == 3
    opened.close()


def test_a_line_of_a_pipe_that_is_too_long_is_one_decision(settings: SignalsSettings, tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b"x" * 3_000_000 + b"\n" + lines(wavy(2)).encode() + b"y" * 2_000_000)
    codes: list[str] = []
    opened = sink(tmp_path / "out", "null")
    with path.open("rb") as file:
        service(settings, opened, on_signal=lambda each: codes.append(each.decision_code)).read_pipe(
            file.fileno(), symbol=None
        )
    assert codes == ["BAD_INPUT", "WARMUP", "WARMUP", "BAD_INPUT"]


def test_a_run_that_kept_other_decisions_is_refused(settings: SignalsSettings, tmp_path: Path) -> None:
    put(tmp_path, "a.jsonl", wavy(100))
    opened = sink(tmp_path / "out")
    service(settings, opened).read_files(tmp_path / "in", symbol=None)
    with pytest.raises(InvalidArgument, match="has kept another decision than r1-ETHUSDT-"):
        service(settings, opened).take(wavy(1, "ETHUSDT")[0])
    opened.close()


def test_only_wanted_rows_are_looked_at() -> None:
    wanted = Wanted(frozenset({"BTCUSDT"}), since_ms=wavy(6)[5]["ts_ms"])
    assert [wanted.has(each) for each in wavy(7)] == [False] * 5 + [True] * 2
    assert not wanted.has(wavy(7, "ETHUSDT")[6])
    assert wanted.has({"surprise": 1})
