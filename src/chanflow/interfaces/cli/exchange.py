"""`chanflow exchange`: a venue of our own on this machine, for clients of Binance USD-M and of Hyperliquid."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import Mapping, Sequence
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TextIO, cast

from chanflow.adapters.venues.emulator.control import Control
from chanflow.adapters.venues.emulator.ed25519 import is_ed25519, is_public_key
from chanflow.adapters.venues.emulator.exchange import Exchange, ExchangeSettings, Speed
from chanflow.adapters.venues.emulator.faults.script import read_script
from chanflow.adapters.venues.emulator.faults.words import Entry
from chanflow.adapters.venues.emulator.hyperliquid.server import HyperliquidServer, serve_hyperliquid
from chanflow.adapters.venues.emulator.hyperliquid.wallets import is_address
from chanflow.adapters.venues.emulator.limits import Limits
from chanflow.adapters.venues.emulator.mishaps import Mishaps
from chanflow.adapters.venues.emulator.order_sockets import PATH as ORDER_PATH
from chanflow.adapters.venues.emulator.order_sockets import OrderSockets
from chanflow.adapters.venues.emulator.server import RestServer
from chanflow.adapters.venues.emulator.tape.opening import open_tape
from chanflow.adapters.venues.emulator.tape.steps import Tape
from chanflow.domain.errors import InvalidArgument, NotFound
from chanflow.domain.time import NS_PER_MS, NS_PER_S
from chanflow.runtime.clock import SystemClock

SPEEDS = ("1", "10", "max", "step")
_WARM_S = {"synthetic": 60, "wire": 1, "lake": 1}
"""Seconds of tape that are played before the exchange opens, so that there is a market."""


def run_exchange(
    *,
    host: str,
    port: int,
    ws_port: int,
    hyperliquid_port: int,
    source: str,
    symbols: list[str],
    speed: str,
    loop: bool,
    seed: int,
    balance: str,
    keys: Path | None,
    latency_ms: float,
    clock_skew_ms: int,
    strict_keys: bool,
    state: Path | None,
    legacy_ws: bool,
    faults: Path | None,
    limits: Limits,
    print_url: bool,
    out: TextIO,
) -> None:
    """Serve until SIGTERM or SIGINT; the first line on `out` is JSON with the addresses.

    Raises InvalidArgument or NotFound for options that cannot be, naming value and bound.
    """
    settings = ExchangeSettings(
        speed=_speed(speed),
        seed=seed,
        balance=_balance(balance),
        latency_ns=_latency_ns(latency_ms),
        skew_ns=clock_skew_ms * NS_PER_MS,
        strict_keys=strict_keys,
        secrets=read_keys(keys) if keys is not None else {},
        limits=limits,
        legacy_ws=legacy_ws,
        warm_ns=_WARM_S.get(source.partition(":")[0], 0) * NS_PER_S,
        state=state,
    )
    names = [name for word in symbols for name in word.split(",") if name]

    def make_tape(start_ns: int | None) -> Tape:
        return open_tape(source, symbols=names, seed=seed, start_ns=start_ns, loop=loop)

    script = read_faults(faults) if faults is not None else ()
    exchange = Exchange(make_tape, SystemClock(), settings)
    ports = (port, ws_port, hyperliquid_port)
    asyncio.run(_serve(exchange, script, host, ports, print_url=print_url, out=out))


async def _serve(
    exchange: Exchange, script: Sequence[Entry], host: str, ports: tuple[int, int, int], *, print_url: bool, out: TextIO
) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await exchange.warm_up()
    order_sockets = OrderSockets(exchange)
    exchange.streams.mount(ORDER_PATH, order_sockets.door)
    mishaps = Mishaps(exchange, order_sockets, seed=exchange.settings.seed, script=script)
    server = RestServer(exchange.reply, hold=exchange.hold, control=Control(exchange, mishaps).answer)
    rest = f"http://{host}:{await server.start(host, ports[0])}"
    ws = f"ws://{host}:{await exchange.streams.start(host, ports[1])}"
    hyperliquid, other = await _open_hyperliquid(exchange, host, ports[2])
    running = asyncio.create_task(exchange.run())
    out.write(json.dumps({"rest": rest, "ws": ws, "hyperliquid": hyperliquid, "ready": True}) + "\n")
    if print_url:
        out.write(f"REST {rest}/fapi/v1\nWebSocket {ws}/ws\nHyperliquid {hyperliquid or 'not installed'}\n")
    out.flush()
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((running, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    exchange.save()
    if running.done():
        running.result()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    order_sockets.stop()
    await exchange.streams.stop()
    await server.stop()
    if other is not None:
        await other.stop()


async def _open_hyperliquid(
    exchange: Exchange, host: str, port: int
) -> tuple[str | None, HyperliquidServer | None]:  # fmt: skip
    """Open Hyperliquid's doors, unless what checks its signatures is not installed.

    A key of the file that is an address is an agent wallet's, and its secret the master's address. An address may ask
    half as much as at Binance's doors, as at the venues.
    """
    if find_spec("eth_account") is None:
        return None, None
    settings = exchange.settings
    agents = {key: master for key, master in settings.secrets.items() if is_address(key)}
    return await serve_hyperliquid(
        exchange, host=host, port=port, strict=settings.strict_keys, agents=agents,
        weight_a_minute=settings.limits.weight_1m // 2,
    )  # fmt: skip


def read_faults(path: Path) -> tuple[Entry, ...]:
    """Return the fault script of a YAML or JSON file."""
    if not path.is_file():
        raise NotFound(f"there is no fault script at {path}")
    try:
        return read_script(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as wrong:
        raise InvalidArgument(f"{path} is no text in UTF-8: {wrong}") from wrong


def read_keys(path: Path) -> dict[str, str]:
    """Return API keys with their secrets from a YAML or JSON file: `{key: secret}`, or a list of `{key, secret}`.

    For a secret may stand an Ed25519 public key in PEM.
    """
    import yaml

    if not path.is_file():
        raise NotFound(f"there is no file of keys at {path}")
    try:
        tree: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as wrong:
        raise InvalidArgument(f"{path} is no YAML: {wrong}") from wrong
    if isinstance(tree, list) and all(isinstance(row, Mapping) and {"key", "secret"} <= set(row) for row in tree):
        tree = {row["key"]: row["secret"] for row in tree}
    if not isinstance(tree, Mapping) or not tree:
        raise InvalidArgument(f"{path} must hold keys with their secrets, as in `desk-one: its-secret`")
    keys = {str(key): str(secret) for key, secret in tree.items()}
    for key, secret in keys.items():
        if is_public_key(secret) and not is_ed25519(secret):
            raise InvalidArgument(f"{path}: the public key of {key!r} is no Ed25519 key in PEM")
    return keys


def _speed(word: str) -> Speed:
    if word not in SPEEDS:
        raise InvalidArgument(f"speed is {word!r}, it can be {', '.join(SPEEDS)}", field="speed")
    return cast("Speed", word)


def _balance(word: str) -> Decimal:
    try:
        balance = Decimal(word)
    except ArithmeticError:
        balance = Decimal("NaN")
    if not balance.is_finite() or not 0 <= balance <= 10**12:
        raise InvalidArgument(f"balance is {word!r}, allowed is 0 to 1,000,000,000,000", field="balance")
    return balance


def _latency_ns(latency_ms: float) -> int:
    if not 0 <= latency_ms <= 60_000:
        raise InvalidArgument(f"latency is {latency_ms} ms, allowed is 0 to 60,000", field="latency_ms")
    return round(latency_ms * NS_PER_MS)
