"""`chanflow certify` writes the certificate where it is told to, and its exit code says whether it holds."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from made_history import BUY, CONFIRMED, TYPE_1, VOID, structure

from chanflow.adapters.storage.bars_file import BarColumns
from chanflow.backtest import certify as certify_module
from chanflow.backtest.certify import CertifySpec
from chanflow.domain.errors import InvalidArgument, RecordingInvalid
from chanflow.interfaces.cli.certify import run_certify
from chanflow.runtime.certificates import CertificateShelf
from chanflow.runtime.home import Home


def causal(bars: BarColumns, spec: CertifySpec) -> Any:
    """Show a point three bars after each twentieth bar, and confirm it four bars later."""
    seen = [at + 3 for at in range(0, len(bars) - 3, 20)]
    return structure([
        (0, TYPE_1, BUY, at - 3, CONFIRMED, at, at + 4) if at + 4 < len(bars) else (0, TYPE_1, BUY, at - 3, 0, at, -1)
        for at in seen
    ])  # fmt: skip


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file of 1,000 bars; what they show is made by `causal`."""
    monkeypatch.setattr(certify_module, "analyse_with_history", causal)
    close = 100 + np.sin(np.arange(1_000) / 9)
    path = tmp_path / "waves_1m.csv"
    lines = [f"{at * 60_000},{c},{c + 1},{c - 1},{c}" for at, c in enumerate(close.round(3).tolist())]
    path.write_text("ts_ms,open,high,low,close\n" + "\n".join(lines) + "\n")
    return path


def test_the_certificate_goes_to_standard_output_as_one_object(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = io.StringIO()
    run_certify([data], preset="new_bi", settings=["bi_fx_check=half"], stdout=out)
    document = json.loads(out.getvalue())
    assert (document["preset"], document["params"], document["holds"]) == ("new_bi", {"bi_fx_check": "half"}, True)
    assert document["data"][0]["file"] == "waves_1m.csv"
    assert 50 < document["proof"]["prefixes"] <= 64
    assert document["cells"][0]["permanence"]["ever_shown"] == 50
    assert set(document["code"]) == {"version", "sha256"}
    assert str(data.parent) not in out.getvalue()
    assert (
        "1 series, 1,000 bars, 50 points ever shown, 50 of them in the final structures; holds"
        in capsys.readouterr().err
    )


def test_the_same_command_writes_the_same_bytes(data: Path, tmp_path: Path) -> None:
    written = []
    for name in ("one.json", "two.json"):
        run_certify([data], out=tmp_path / name, table=tmp_path / "table.md")
        written.append((tmp_path / name).read_bytes())
    assert written[0] == written[1]
    assert "| crypto | 1m | stroke | 1 | buy | 50 |" in (tmp_path / "table.md").read_text()


def test_levels_are_made_from_the_bars_and_measured_apart(data: Path) -> None:
    out = io.StringIO()
    run_certify([data], levels=["1m", "5m"], stdout=out)
    assert [(one["interval"], one["rows"]) for one in json.loads(out.getvalue())["data"]] == [
        ("1m", 1_000),
        ("5m", 200),
    ]


def test_barriers_costs_and_seed_are_the_ones_asked_for(data: Path) -> None:
    out = io.StringIO()
    run_certify(
        [data], barrier=3.0, horizon=10, taker_bps=2.0, slippage_bps=0.5, seed=7, prefixes=2, market="cn", stdout=out
    )
    document = json.loads(out.getvalue())
    assert document["barriers"] == {"atr_multiple": 3.0, "atr_bars": 14, "horizon_bars": 10}
    assert document["costs_per_side"] == {"taker_bps": 2.0, "slippage_bps": 0.5}
    assert (document["seed"], document["proof"]["prefixes"], document["cells"][0]["market"]) == (7, 2, "cn")


def test_a_certificate_that_does_not_hold_is_written_and_exits_with_6(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def repaint(bars: BarColumns, spec: CertifySpec) -> Any:
        made = causal(bars, spec)
        made.points.state = np.where(made.points.bar < 100, VOID, made.points.state)
        return made

    monkeypatch.setattr(certify_module, "analyse_with_history", repaint)
    with pytest.raises(typer.Exit) as left:
        run_certify([data], out=tmp_path / "c.json")
    assert left.value.exit_code == 6
    assert json.loads((tmp_path / "c.json").read_text())["holds"] is False
    assert "DOES NOT HOLD" in capsys.readouterr().err


def test_an_installed_certificate_goes_into_the_data_directory_alone(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, home = io.StringIO(), Home(tmp_path / "home")
    run_certify([data], install_in=home, stdout=out)
    (path,) = home.certificates_dir.iterdir()
    assert out.getvalue() == ""
    assert f"installed as {path}" in capsys.readouterr().err
    run_certify([data], out=tmp_path / "c.json")
    assert path.read_bytes() == (tmp_path / "c.json").read_bytes()
    assert [one.name for one in CertificateShelf(home).usable()] == [path.name]


def test_one_that_does_not_hold_is_not_installed(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def repaint(bars: BarColumns, spec: CertifySpec) -> Any:
        made = causal(bars, spec)
        made.points.state = np.where(made.points.bar < 100, VOID, made.points.state)
        return made

    monkeypatch.setattr(certify_module, "analyse_with_history", repaint)
    with pytest.raises(typer.Exit):
        run_certify([data], install_in=Home(tmp_path / "home"))
    assert not (tmp_path / "home").exists()


def test_only_the_symbols_asked_for_are_measured(data: Path) -> None:
    out = io.StringIO()
    run_certify([data], symbols=["waves_1m"], stdout=out)
    assert len(json.loads(out.getvalue())["data"]) == 1
    with pytest.raises(InvalidArgument, match="no file has ETHUSDT"):
        run_certify([data], symbols=["ETHUSDT"], stdout=out)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"market": "moon"}, "crypto or cn"),
        ({"preset": "chan"}, "chan"),
        ({"settings": ["bi_strickt=true"]}, "bi_strickt"),
        ({"settings": ["bi_strict"]}, "key=value"),
        ({"horizon": 0}, "above 0"),
        ({"taker_bps": -1.0}, "bps of a price"),
        ({"seed": -1}, "seed is -1"),
        ({"levels": ["7s"]}, "no bars of 7s from 1m"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence(data: Path, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidArgument, match=said):
        run_certify([data], **wrong)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingInvalid, match=r"none\.csv cannot be read"):
        run_certify([tmp_path / "none.csv"])
