"""The walking desk, as a person meets it: one command, the same day each time, a journal that can be trusted."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from commands import chanflow, journals, market_data, sha_line, start

pytestmark = [pytest.mark.slow]


@pytest.fixture(scope="session")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory in which seed 42 has been run once, in UTC and with one order of hashes."""
    home = tmp_path_factory.mktemp("day") / "home"
    done = chanflow(home, "demo", "--seed", "42", PYTHONHASHSEED="0", TZ="UTC")
    (home / "stdout.txt").parent.mkdir(exist_ok=True)
    (home / "stdout.txt").write_text(done.stdout + done.stderr)
    assert done.returncode == 0, done.stderr
    return home


def records(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_the_day_ends_with_summary_report_and_hash(day: Path) -> None:
    text = (day / "stdout.txt").read_text()
    for word in ("signals", "proposals", "refused", "fills", "fees", "gross", "net", "max drawdown", "ladder"):
        assert word in text
    report = next(line for line in text.splitlines() if line.startswith("report: "))
    page = Path(report.removeprefix("report: ")).read_text("utf-8")
    assert "<svg" in page
    assert "Not investment advice" in page
    [journal] = journals(day)
    assert text.strip().splitlines()[-1] == f"journal sha256: {hashlib.sha256(journal.read_bytes()).hexdigest()}"


@pytest.mark.parametrize(("hash_seed", "zone"), [("1", "Asia/Shanghai"), ("random", "America/New_York")])
def test_the_same_seed_is_the_same_day_everywhere(day: Path, tmp_path: Path, hash_seed: str, zone: str) -> None:
    done = chanflow(tmp_path / "home", "demo", "--seed", "42", PYTHONHASHSEED=hash_seed, TZ=zone)
    assert sha_line(done) == hashlib.sha256(journals(day)[0].read_bytes()).hexdigest()


def test_another_seed_is_another_day(day: Path, tmp_path: Path) -> None:
    done = chanflow(tmp_path / "home", "demo", "--seed", "43")
    assert sha_line(done) != hashlib.sha256(journals(day)[0].read_bytes()).hexdigest()


def test_the_whole_desk_was_at_work(day: Path) -> None:
    kinds = Counter(str(r["kind"]) for r in records(journals(day)[0]))
    for kind in ("head", "stroke", "signal", "trade_proposal", "approved_order", "refusal", "order_intent",
                 "order_sent", "venue_event", "order_event", "fill", "ledger", "register_triggers",
                 "re_analysis_trigger", "trade_closed", "mark", "account", "end"):  # fmt: skip
        assert kinds[kind] > 0, kind
    assert kinds["anomaly"] == 0


def test_every_order_was_approved_journaled_before_it_left_and_sent_once(day: Path) -> None:
    lines = records(journals(day)[0])
    approved = [r["body"]["approved_id"] for r in lines if r["kind"] == "approved_order"]  # type: ignore[index]
    intents = [r for r in lines if r["kind"] == "order_intent"]
    sent = [r for r in lines if r["kind"] == "order_sent"]
    assert [i["body"]["approved_id"] for i in intents] == approved  # type: ignore[index]
    ids = [i["body"]["client_order_id"] for i in intents]  # type: ignore[index]
    assert [s["body"]["client_order_id"] for s in sent] == ids  # type: ignore[index]
    assert len(set(ids)) == len(ids)
    assert all(i["seq"] < s["seq"] for i, s in zip(intents, sent, strict=True))  # type: ignore[operator]


def test_an_open_position_always_has_its_stop(day: Path) -> None:
    held = [p for r in records(journals(day)[0]) if r["kind"] == "account" for p in r["body"]["positions"]]  # type: ignore[index]
    assert held
    assert all(p["protected"] and p["stop_price"] for p in held)


def test_the_money_adds_up(day: Path) -> None:
    figures = json.loads(next(day.glob("runs/*/summary.json")).read_text())
    gross, fees, slip, net = (Decimal(figures[f"{n}_quote"]) for n in ("gross", "fees", "slippage", "net"))
    assert gross - fees - slip == net
    assert fees > 0
    lines = records(journals(day)[0])
    capital = Decimal(10_000)
    wallet = Decimal([r for r in lines if r["kind"] == "account"][-1]["body"]["wallet_quote"])  # type: ignore[index]
    moved = sum((Decimal(r["body"]["amount_quote"]) * (-1 if r["body"]["kind"] == "fee" else 1)  # type: ignore[index]
                 for r in lines if r["kind"] == "ledger"), Decimal(0))  # fmt: skip
    assert moved == wallet
    assert wallet - capital + Decimal(0) == moved - capital


def test_a_replay_gives_every_record_again(day: Path, tmp_path: Path) -> None:
    done = chanflow(tmp_path / "home", "replay", str(journals(day)[0]))
    assert done.returncode == 0, done.stderr
    assert sha_line(done) == hashlib.sha256(journals(day)[0].read_bytes()).hexdigest()


def test_one_flipped_byte_is_located(day: Path, tmp_path: Path) -> None:
    data = bytearray(journals(day)[0].read_bytes())
    lines = data.split(b"\n")
    target = len(lines) // 2
    offset = sum(len(line) + 1 for line in lines[:target]) + len(lines[target]) // 2
    data[offset] ^= 0x02
    altered = tmp_path / "journal-altered.jsonl"
    altered.write_bytes(data)
    done = chanflow(tmp_path / "home", "replay", str(altered))
    assert done.returncode == 6
    assert f"journal record {target} " in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_record_that_would_come_out_otherwise_is_named(day: Path, tmp_path: Path) -> None:
    """A forger who mends the whole chain still meets the re-run."""
    lines = records(journals(day)[0])
    target = next(i for i, r in enumerate(lines) if r["kind"] == "fill")
    lines[target]["body"]["price"] = "1"  # type: ignore[index]
    previous, out = "0" * 64, []
    for line in lines:
        line["prev"] = previous
        line.pop("hash")
        text = json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        previous = hashlib.sha256((previous + text).encode()).hexdigest()
        out.append(json.dumps({**line, "hash": previous}, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
    forged = tmp_path / "journal-forged.jsonl"
    forged.write_text("\n".join(out) + "\n")
    done = chanflow(tmp_path / "home", "replay", str(forged))
    assert done.returncode == 6
    assert f"record {target} (fill at" in done.stderr
    assert 'body.price was "1"' in done.stderr


def test_the_operations_read_what_the_day_left(day: Path) -> None:
    bars = json.loads(
        chanflow(day, "call", "get_klines", "--symbol", "SIMUSDT", "--level", "1m", "--limit", "5").stdout
    )
    assert len(bars["rows"]) == 5
    structure = json.loads(chanflow(day, "call", "analyze_structure", "--symbol", "SIMUSDT", "--level", "1m").stdout)
    journaled = [r["body"] for r in records(journals(day)[0]) if r["kind"] == "stroke"]
    confirmed = [s for s in structure["strokes"] if s["state"] == "confirmed"]
    assert confirmed[-1]["end"]["price"] == [s for s in journaled if s["state"] == "confirmed"][-1]["end_price"]  # type: ignore[index]
    account = json.loads(chanflow(day, "call", "get_position").stdout)
    assert account["positions"] == []
    assert Decimal(account["equity"]) > 0


@pytest.mark.crash
def test_a_killed_day_goes_on_to_the_very_same_end(day: Path, tmp_path: Path) -> None:
    """kill -9 at growing distances into the run, again and again on one data directory, then let it finish."""
    home = tmp_path / "home"
    torn = 0
    for bytes_written in (1, 20_000, 120_000, 300_000, 450_000):
        child = start(home, ["demo", "--seed", "42"])
        try:
            while child.poll() is None:
                found = journals(home)
                if found and found[-1].stat().st_size >= bytes_written:
                    child.kill()
                    break
        finally:
            child.kill()
            child.wait()
        torn += not journals(home)[-1].read_bytes().endswith(b"\n")
    done = chanflow(home, "demo", "--seed", "42")
    assert sha_line(done) == hashlib.sha256(journals(day)[0].read_bytes()).hexdigest()
    assert len(journals(home)) == 1
    assert "interrupted after record" in done.stdout + done.stderr
    here, there = ({p.name: p.read_bytes() for p in h.glob("runs/*/lake/**/part-*")} for h in (home, day))
    assert here == there
    assert not list(home.glob("runs/*/lake/**/_tmp/*"))


@pytest.mark.crash
def test_a_torn_record_is_cut_and_written_again(day: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(day, home)
    [journal] = journals(home)
    whole = journal.read_bytes()
    journal.write_bytes(whole[: len(whole) * 2 // 3])
    assert sha_line(chanflow(home, "demo", "--seed", "42")) == hashlib.sha256(whole).hexdigest()


@pytest.mark.golden
def test_recorded_frames_run_through_the_whole_desk(tmp_path: Path) -> None:
    recording = market_data() / "wire" / "binance_usdm_BTCUSDT_20240808.txt.gz"
    home = tmp_path / "home"
    done = chanflow(home, "demo", "--replay", str(recording), "--set", "risk.sizing.sigma_prior=3")
    digest = sha_line(done)
    [journal] = journals(home)
    end = records(journal)[-1]["body"]
    assert end["book"]["book_checks"] == end["book"]["book_matches"] == 6_547  # type: ignore[index]
    assert end["book"]["dropped"] == 4  # type: ignore[index]
    assert end["feature_rows"] == 345  # type: ignore[index]
    figures = json.loads(next(home.glob("runs/*/summary.json")).read_text())
    assert figures["orders"] >= 1
    assert {"gross_quote", "fees_quote", "net_quote"} <= figures.keys()
    assert "6,547" in next(home.glob("runs/*/report.html")).read_text("utf-8")
    assert str(recording.parent) not in journal.read_text()
    again = chanflow(home, "replay", str(journal))
    assert sha_line(again) == digest
