"""`chanflow certify`: how often points hold, how late they are certain, and what entries at them met, on real bars."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import typer

from chanflow.domain.errors import InvalidArgument
from chanflow.interfaces.cli.analyze import read_settings
from chanflow.market.markets import MARKETS, Market

if TYPE_CHECKING:
    from chanflow.backtest.series import Series
    from chanflow.runtime.home import Home


def run_certify(
    data: Sequence[Path],
    *,
    preset: str = "default",
    settings: Sequence[str] = (),
    levels: Sequence[str] | None = None,
    out: Path | None = None,
    table: Path | None = None,
    install_in: Home | None = None,
    market: str | None = None,
    symbols: Sequence[str] | None = None,
    barrier: float = 2.0,
    horizon: int = 48,
    taker_bps: float = 5.0,
    slippage_bps: float = 1.0,
    seed: int = 42,
    prefixes: int = 64,
    stdout: TextIO | None = None,
) -> None:
    """Measure the files and write the certificate to `out`, or to standard output; `table` gets it as Markdown.

    With `install_in` it goes into that data directory, where every door finds its figures, and no longer to standard
    output; one that does not hold is not installed. `levels` are intervals to resample to; without them each series is
    taken at its own. Ends with exit code 6 where the certificate does not hold. Raises InvalidArgument for a setting
    out of its bounds, RecordingInvalid for a file that cannot be used and StorageUnwritable for the places to write.
    """
    import chanflow
    from chanflow.backtest.barriers import Barriers, Costs
    from chanflow.backtest.certificate import certificate_document, certificate_json, certificate_table
    from chanflow.backtest.certify import CertifySpec, certify
    from chanflow.runtime.certificates import install
    from chanflow.runtime.clock import SeededRandomness
    from chanflow.runtime.home import publish
    from chanflow.runtime.run import code_digest

    if market is not None and market not in MARKETS:
        raise InvalidArgument(f"market is {market!r}: it can be {' or '.join(MARKETS)}", field="market")
    params = read_settings(settings)
    _check_engine(preset, params)
    try:
        spec = CertifySpec(
            preset, params, Barriers(barrier, horizon_bars=horizon), Costs(taker_bps, slippage_bps), seed,
            prefixes=prefixes,
        )  # fmt: skip
        randomness = SeededRandomness(seed)
    except ValueError as fault:
        raise InvalidArgument(str(fault)) from fault
    certificate = certify(
        _all_series(data, levels, "cn" if market == "cn" else "crypto" if market else None, symbols),
        spec,
        randomness=randomness,
        code={"version": chanflow.__version__, "sha256": code_digest()},
    )
    text = certificate_json(certificate)
    if out is not None:
        publish(out, text.encode())
    elif install_in is None:
        (stdout or sys.stdout).write(text)
    if table is not None:
        publish(table, certificate_table(certificate_document(certificate)).encode())
    shown = sum(cell.permanence.ever_shown for cell in certificate.cells)
    kept = sum(cell.permanence.in_final for cell in certificate.cells)
    typer.echo(
        f"chanflow: {len(certificate.data)} series, {sum(one.rows for one in certificate.data):,} bars, "
        f"{shown:,} points ever shown, {kept:,} of them in the final structures; "
        f"{'holds' if certificate.holds else 'DOES NOT HOLD'}",
        err=True,
    )
    if not certificate.holds:
        raise typer.Exit(6)
    if install_in is not None:
        typer.echo(f"chanflow: installed as {install(install_in, text, preset)}", err=True)


def _check_engine(preset: str, params: Mapping[str, str]) -> None:
    """Raise InvalidArgument for a preset or parameter that the engine does not know, before any file is read."""
    from chanflow.features.chan import Engine

    try:
        Engine(preset, params)
    except ValueError as fault:
        raise InvalidArgument(str(fault), field="preset") from fault


def _all_series(
    data: Sequence[Path], levels: Sequence[str] | None, market: Market | None, symbols: Sequence[str] | None
) -> Iterator[Series]:
    from chanflow.backtest.series import at_intervals, read_series

    found = set[str]()
    for path in data:
        for series in read_series(path, market=market):
            if symbols is not None and series.source.symbol not in symbols:
                continue
            found.add(series.source.symbol)
            yield from at_intervals(series, levels)
    missing = [symbol for symbol in symbols or () if symbol not in found]
    if missing:
        raise InvalidArgument(f"no file has {', '.join(missing)}", field="symbol")
