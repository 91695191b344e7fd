"""A small recording in the shape of Binance USD-M frames, made from the synthetic market: no exchange's data."""

from __future__ import annotations

import json

START_MS = 1_767_571_200_000
SECONDS = 90


def frames() -> list[str]:
    """Return `<recv_ns> <json>` lines: diffs, best quotes, trades, and one snapshot inside the running diffs."""
    lines: list[str] = []
    book: dict[str, dict[int, int]] = {
        "b": {10_000 - i: 5_000 for i in range(30)},
        "a": {10_001 + i: 5_000 for i in range(30)},
    }
    final, trade = 1_000, 500
    for step in range(SECONDS * 10):
        now_ms = START_MS + step * 100
        drift = (step // 40) % 2
        side, level = ("b", max(book["b"])) if drift else ("a", min(book["a"]))
        left = book[side][level] - 1_700
        changed = {"b": [], "a": []}  # type: dict[str, list[tuple[int, int]]]
        lines.append(_line(now_ms, "btcusdt@trade", {
            "e": "trade", "E": now_ms, "T": now_ms, "s": "BTCUSDT", "t": trade, "p": _price(level), "q": "1.700",
            "X": "MARKET", "m": side == "b",
        }))  # fmt: skip
        trade += 1
        if left > 0:
            book[side][level] = left
            changed[side].append((level, left))
        else:
            del book[side][level]
            changed[side].append((level, 0))
            other, fresh = ("a", level) if side == "b" else ("b", level)
            book[other][fresh] = 5_000
            changed[other].append((fresh, 5_000))
        first_id, previous, final = final + 1, final, final + 3
        lines.append(_line(now_ms + 1, "btcusdt@bookTicker", {
            "e": "bookTicker", "u": final, "s": "BTCUSDT",
            "b": _price(max(book["b"])), "B": _qty(book["b"][max(book["b"])]),
            "a": _price(min(book["a"])), "A": _qty(book["a"][min(book["a"])]), "T": now_ms + 1, "E": now_ms + 1,
        }))  # fmt: skip
        lines.append(_line(now_ms + 2, "btcusdt@depth@100ms", {
            "e": "depthUpdate", "E": now_ms + 2, "T": now_ms + 2, "s": "BTCUSDT", "U": first_id, "u": final,
            "pu": previous, "b": [[_price(p), _qty(q)] for p, q in changed["b"]],
            "a": [[_price(p), _qty(q)] for p, q in changed["a"]],
        }))  # fmt: skip
        if step == 3:
            snapshot = {
                "lastUpdateId": final, "E": now_ms + 3, "T": now_ms + 3,
                "bids": [[_price(p), _qty(q)] for p, q in sorted(book["b"].items(), reverse=True)],
                "asks": [[_price(p), _qty(q)] for p, q in sorted(book["a"].items())],
            }  # fmt: skip
            lines.append(f"{(now_ms + 3) * 1_000_000} {json.dumps(snapshot, separators=(',', ':'))}")
    return lines


def text_of(lines: list[str]) -> bytes:
    """Return the file's text; the last line ends as the list has it."""
    return ("\n".join(lines) + ("\n" if lines[-1].endswith(("}", "remark")) else "")).encode()


def _line(now_ms: int, stream: str, data: dict[str, object]) -> str:
    return f"{now_ms * 1_000_000} {json.dumps({'stream': stream, 'data': data}, separators=(',', ':'))}"


def _price(ticks: int) -> str:
    return f"{ticks / 10:.2f}"


def _qty(lots: int) -> str:
    return f"{lots / 1000:.3f}"
