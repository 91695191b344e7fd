"""`chanflow risk …`, `halt`, `resume` and `approve`: what they do. Answers are JSON, one object a line.

A refusal is an answer, so it exits 0; input that cannot be used exits 2 and is named by line and field.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, TextIO, TypeVar

from pydantic import BeforeValidator, Field, FiniteFloat, ValidationError

from chanflow.domain.account import AccountSnapshot, Position
from chanflow.domain.canonical import canonical_json, decimal_text
from chanflow.domain.errors import InvalidArgument, NotFound
from chanflow.domain.instrument import Instrument
from chanflow.domain.time import NS_PER_DAY, NS_PER_S, parse_rfc3339
from chanflow.operations.fields import Amount, Symbol, whole
from chanflow.operations.operation import Arguments
from chanflow.operations.refusal import invalid_arguments
from chanflow.operations.risk import CheckRisk, proposal_of, shown
from chanflow.risk.codes import CODES
from chanflow.risk.dry_run import dry_run
from chanflow.risk.ladder import LadderState, Level, evaluate, missing
from chanflow.risk.limits import Limits
from chanflow.risk.market_view import MarketView
from chanflow.risk.record import ClosedTrade, DayReturn, Record, evidence_of
from chanflow.risk.state import RiskState, Rules
from chanflow.runtime.settings import Settings

MOST_LINE = 65_536


def signed(value: object) -> object:
    """Return the decimal of a text such as -0.5. Raises ValueError in words that do not repeat it."""
    if isinstance(value, str) and len(value) <= 40 and value.lstrip("-").replace(".", "", 1).isdecimal():
        return Decimal(value)
    raise ValueError("must be a decimal as text, such as -0.5")


Signed = Annotated[Decimal, BeforeValidator(signed)]


class PositionIn(Arguments):
    """A position; `qty` is signed."""

    symbol: Symbol
    qty: Signed
    entry: Amount
    mark: Amount | None = None
    leverage: Annotated[int, Field(ge=1, le=125), BeforeValidator(whole)] = 1
    stop: Amount | None = None


class MarketIn(Arguments):
    """A market at one moment; what is missing refuses."""

    mark: Amount | None = None
    sigma: Amount | None = None
    volume_1m: Amount | None = None
    funding: Signed | None = None
    bids: list[list[Amount]] = Field(default_factory=list)
    asks: list[list[Amount]] = Field(default_factory=list)
    book_ok: bool = True
    age_s: Annotated[FiniteFloat, Field(ge=0)] = 0.0


class AccountIn(Arguments):
    """An account; the high-water mark and the day's start are its equity unless told."""

    equity: Amount
    high_water: Amount | None = None
    day_start: Amount | None = None
    trades_today: Annotated[int, Field(ge=0), BeforeValidator(whole)] = 0
    positions: list[PositionIn] = Field(default_factory=list)


class TradeIn(Arguments):
    """A closed trade, net of costs."""

    closed_at: str
    net_quote: Signed
    notional_quote: Amount


class DayIn(Arguments):
    """Equity at the end of a UTC day."""

    day: str
    equity: Amount


M = TypeVar("M", bound=Arguments)


def read_as(model: type[M], raw: object, where: str) -> M:
    """Return `raw` as the model has it. Raises InvalidArgument naming place and field, never the value."""
    if not isinstance(raw, dict):
        raise InvalidArgument(f"{where}: a JSON object is needed", field=where)
    try:
        return model.model_validate(raw)
    except ValidationError as fault:
        error = invalid_arguments(fault, model, "").error
        more = f" ({error.suggestion})" if error.suggestion else ""
        raise InvalidArgument(f"{where}: {error.message}{more}", field=error.field or where) from fault


def objects(lines: TextIO, name: str) -> Iterator[tuple[str, Any]]:
    """Yield each JSON line with its place. Raises InvalidArgument naming the first that is none."""
    number = 0
    while line := lines.readline(MOST_LINE + 1):
        number += 1
        where = f"{name} line {number}"
        if len(line) > MOST_LINE:
            raise InvalidArgument(f"{where} is longer than {MOST_LINE} characters", field=name)
        if line.strip():
            try:
                yield where, json.loads(line, parse_constant=_no_constant)
            except (ValueError, RecursionError) as fault:
                raise InvalidArgument(f"{where} is no JSON", field=name) from fault


def _no_constant(word: str) -> object:
    raise ValueError(f"{word} is no number here")


def one_object(path: Path | None, name: str) -> object:
    """Return the JSON object of a file; an empty one without a file. Raises InvalidArgument."""
    if path is None:
        return {}
    try:
        return json.loads(path.read_text("utf-8"), parse_constant=_no_constant)
    except OSError as fault:
        raise InvalidArgument(f"{name}: {path.name} cannot be read", field=name) from fault
    except (ValueError, RecursionError) as fault:
        raise InvalidArgument(f"{name}: {path.name} is no JSON", field=name) from fault


def check(
    lines: TextIO, out: TextIO, *, settings: Settings, limits: Limits, now_ns: int, position: object,
    market: object, account: object, explain: bool,
) -> None:  # fmt: skip
    """Write what the gate says of each signal, a line of JSON each."""
    told = read_as(MarketIn, market, "market")
    has = read_as(
        AccountIn, account or {"equity": decimal_text(settings.execution.capital_quote)}, "account"
    )  # fmt: skip
    held = [*has.positions, *([read_as(PositionIn, position, "position")] if position else [])]
    for number, (where, raw) in enumerate(objects(lines, "signal"), 1):
        wish = read_as(CheckRisk, raw, where)
        instruments = {symbol: _instrument(symbol) for symbol in {wish.symbol, *(p.symbol for p in held)}}
        rules = Rules(instruments, limits, run_mode=settings.execution.mode)
        view = _market(told, now_ns)
        answer = dry_run(
            proposal_of(wish, now_ns=now_ns, name=f"{number}"), _account(has, held, told, instruments, now_ns), view,
            rules=rules, state=RiskState(settings.risk.ladder.paper_start), now_ns=now_ns,
        )  # fmt: skip
        body = shown(answer).model_dump(mode="json")
        if not explain:
            body["risk_state"]["checks"] = [row for row in body["risk_state"]["checks"] if not row["ok"]]
        out.write(json.dumps(body, sort_keys=True, separators=(",", ":")) + "\n")


def _instrument(symbol: str) -> Instrument:
    from chanflow.market.rules import instrument_of
    from chanflow.market.synthetic import SIMUSDT

    return SIMUSDT if symbol == SIMUSDT.symbol else instrument_of(
        "binance-usdm", symbol, price_decimals=2, qty_decimals=3
    )  # fmt: skip


def _market(told: MarketIn, now_ns: int) -> MarketView:
    def side(levels: list[list[Decimal]], name: str) -> tuple[tuple[Decimal, Decimal], ...]:
        if any(len(level) != 2 for level in levels):
            raise InvalidArgument(f"market.{name}: each level is a price and a quantity", field=name)
        return tuple((level[0], level[1]) for level in levels)

    at_ns = None if told.mark is None else now_ns - int(told.age_s * NS_PER_S)
    return MarketView(
        told.mark, at_ns, told.book_ok, told.sigma, told.volume_1m, now_ns, 0, told.funding,
        asks=side(told.asks, "asks"), bids=side(told.bids, "bids"),
    )  # fmt: skip


def _account(
    has: AccountIn, held: list[PositionIn], told: MarketIn, instruments: dict[str, Instrument], now_ns: int
) -> AccountSnapshot:
    positions = tuple(
        Position(
            f"position-{number}", p.symbol, instruments[p.symbol].base, p.qty, p.entry, p.mark or told.mark or p.entry,
            p.leverage, now_ns, p.stop, None, p.stop is not None,
        )
        for number, p in enumerate(held, 1)
        if p.qty != 0
    )  # fmt: skip
    unrealised = sum((p.unrealised_quote for p in positions), Decimal(0))
    return AccountSnapshot(
        now_ns, has.equity - unrealised, has.equity, max(has.equity, has.high_water or has.equity),
        has.day_start or has.equity, Decimal(0), positions, (), has.trades_today, reconciled=True,
    )  # fmt: skip


def limits_lines(limits: Limits, *, codes: bool) -> Iterator[str]:
    """Yield the limits in force, or the codes and what each means."""
    if codes:
        yield from (f"{code:<34} {meaning}" for code, meaning in CODES.items())
    else:
        yield from (f"{field.name:<28} {getattr(limits, field.name)}" for field in fields(limits))


def evaluated(trades: TextIO, equity: TextIO, *, level: Level, limits: Limits) -> str:
    """Return what the ladder would do after these trades and days, with each number, as JSON."""
    record, last_ns, high, before = Record(), 0, Decimal(0), None
    now_equity = start = Decimal(0)
    for where, raw in objects(trades, "trades"):
        row = read_as(TradeIn, raw, where)
        at_ns = _time(row.closed_at, where)
        if at_ns < last_ns:
            raise InvalidArgument(f"{where}: trades come in order of closing", field="closed_at")
        last_ns = at_ns
        record = record.with_trade(ClosedTrade(at_ns, row.net_quote, row.notional_quote))
    for where, raw in objects(equity, "equity"):
        day = read_as(DayIn, raw, where)
        number = _time(f"{day.day}T00:00:00Z", where) // NS_PER_DAY
        if before is not None:
            record = record.with_day(DayReturn(number, day.equity / before - 1))
        start, before, now_equity = before or day.equity, day.equity, day.equity
        high, last_ns = max(high, day.equity), max(last_ns, (number + 1) * NS_PER_DAY)
    if high == 0:
        raise InvalidArgument("equity: at least one day is needed", field="equity")
    state = LadderState("paper", level, 0, 0, 0)
    evidence = evidence_of(
        record, state, drawdown_frac=1 - now_equity / high,
        day_loss_frac=max(Decimal(0), 1 - now_equity / start), now_ns=last_ns,
    )  # fmt: skip
    change = evaluate(state, evidence, limits, last_ns)
    return canonical_json(
        {"level": level, "change": change, "missing": missing(state, evidence, last_ns), "evidence": evidence}
    )


def _time(text: str, where: str) -> int:
    try:
        return parse_rfc3339(text)
    except (ValueError, OverflowError) as fault:
        raise InvalidArgument(f"{where}: a time such as 2026-01-05T00:00:00Z is needed", field="time") from fault


def history(journal: Path, kind: str) -> Iterator[str]:
    """Yield a journal's records of one kind as JSON lines."""
    from chanflow.review.journal import read_records

    for record in read_records(journal, torn_tail=True):
        if record.kind == kind:
            yield canonical_json({"at": record.at, **record.body})


def ladder_history(root: Path, on_note: Callable[[str], object]) -> Iterator[str]:
    """Yield every step of the ladder in every run of a data directory, oldest run first, as JSON lines.

    A journal that cannot be read to its end is noted, and what it holds before that is told. Raises NotFound where no
    desk has run.
    """
    from chanflow.domain.errors import JournalCorrupt
    from chanflow.runtime.home import Home

    folders = [folder for folder in Home(root).runs() if folder.journal_path.exists()]
    if not folders:
        raise NotFound(f"no desk has run in {root} yet: start one with chanflow up")
    for folder in folders:
        try:
            for line in history(folder.journal_path, "ladder"):
                told = json.loads(line)
                change = told.get("change") or {}
                step = {
                    "run": folder.number, "run_id": folder.run_id, "at": told["at"], "before": change.get("before"),
                    "after": told["level"], "book": (told.get("state") or {}).get("book"),
                    "cause": change.get("cause", "begun"), "message": told["cause"], "evidence": told.get("evidence"),
                }  # fmt: skip
                yield canonical_json(step)
        except JournalCorrupt as fault:
            on_note(f"run {folder.number} is read up to where its journal is damaged: {fault}")


def newest_journal(root: Path) -> Path:
    """Return the journal of the newest run. Raises NotFound where none has run."""
    from chanflow.runtime.home import Home

    folder = Home(root).newest_run()
    if folder is None or not folder.journal_path.exists():
        raise NotFound(f"no desk has run in {root} yet: start one with chanflow up")
    return folder.journal_path


def ask_door(root: Path, path: str, body: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return what the desk that runs on `root` answers, None where none can be reached."""
    from urllib.error import HTTPError

    from chanflow.interfaces.cli.running_desk import open_path

    try:
        response = open_path(root, path, body, timeout_s=15)
        if response is None:
            return None
        with response:
            answer: dict[str, Any] = json.load(response)
            return answer
    except HTTPError as fault:
        failed: dict[str, Any] = json.load(fault)
        return failed
    except (OSError, ValueError):
        return None
