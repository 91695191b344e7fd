"""What a person means, without a model: words looked up in tables, Chinese and English, and the plan that answers them.

A sentence is cut into words (runs of Latin letters and digits) and known phrases (the longest that fits); what is in no
table is passed over. What the tables know says what is asked for; nothing is guessed from the rest.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chanflow.analyst.plan import Plan, Step
from chanflow.domain.prompt import Language

POINT_TYPES = ("buy1", "buy2", "buy3", "sell1", "sell2", "sell3")
MAX_TEXT = 2_000
SCAN_LIMIT = 500
SHOWN_OF_ONE = 5
BACKTEST_SYMBOLS, ALERT_SYMBOLS = 100, 50

_JOB = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CHINESE_NUMBERS = {"一": "1", "二": "2", "三": "3", "1": "1", "2": "2", "3": "3"}
_ENGLISH_NUMBERS = {"first": "1", "second": "2", "third": "3", "1st": "1", "2nd": "2", "3rd": "3"}


def _point_phrases() -> dict[str, tuple[str, ...]]:
    """Return the phrases for points: each with the types it means."""
    phrases: dict[str, tuple[str, ...]] = {}
    for word, number in _CHINESE_NUMBERS.items():
        for side, name in (("买", "buy"), ("卖", "sell")):
            for form in (f"第{word}类{side}点", f"第{word}{side}点", f"{word}类{side}点", f"{word}类{side}",
                         f"第{word}{side}", f"{word}{side}点", f"{word}{side}"):  # fmt: skip
                phrases[form] = (name + number,)
    for word, number in _ENGLISH_NUMBERS.items():
        for name in ("buy", "sell"):
            for form in (f"{word} {name}", f"{word} {name}s", f"{word} {name} point", f"{word} {name} points",
                         f"{word} class {name} point", f"{word} class {name} points"):  # fmt: skip
                phrases[form] = (name + number,)
    for kind in POINT_TYPES:
        phrases[kind] = (kind,)
    buys, sells = POINT_TYPES[:3], POINT_TYPES[3:]
    for words, kinds in (
        (("买卖点", "buy/sell points", "buy and sell points", "points", "signals"), POINT_TYPES),
        (("买点", "buy points", "buy point", "buys"), buys), (("卖点", "sell points", "sell point", "sells"), sells),
    ):  # fmt: skip
        phrases.update(dict.fromkeys(words, kinds))
    return phrases


_POINTS = _point_phrases()
_LEVELS: Mapping[str, str] = {
    "日线": "1d", "日级别": "1d", "天级别": "1d", "daily": "1d", "周线": "1w", "周级别": "1w", "weekly": "1w",
    "月线": "1M", "monthly": "1M", "小时线": "1h", "小时级别": "1h", "hourly": "1h",
}  # fmt: skip
_UNITS: Mapping[str, str] = {
    "分钟": "m", "分": "m", "minutes": "m", "minute": "m", "mins": "m", "min": "m", "m": "m", "小时": "h", "hours": "h",
    "hour": "h", "h": "h", "日": "d", "天": "d", "days": "d", "day": "d", "d": "d", "周": "w", "weeks": "w",
    "week": "w", "w": "w",
}  # fmt: skip
_OFFERED_LEVELS = ("1m", "5m", "30m", "1h", "1d", "1w", "1M")
_CONCEPTS: Mapping[str, tuple[str, ...]] = {
    "find": ("找到", "找出", "寻找", "扫描", "筛选", "选出", "哪些", "find", "scan", "screen", "search", "which"),
    "all": ("所有", "全部", "全市场", "股票", "市场上", "all", "every", "market", "stocks", "symbols", "whole market"),
    "backtest": ("回测", "回測", "backtest", "back test", "back-test", "backtests"),
    "cancel": ("取消", "中止", "cancel", "abort"),
    "alert": ("提醒", "预警", "警报", "告警", "通知", "alert", "alerts", "notify", "remind"),
    "structure": ("结构", "走势", "中枢", "笔", "线段", "structure", "trend", "center", "centers", "strokes"),
    "position": ("持仓", "仓位", "账户", "position", "positions", "holdings", "account"),
    "quota": ("额度", "配额", "用量", "quota", "usage", "quotas"),
    "refused": ("拒绝", "被拒", "没有成交", "不让", "refused", "refuse", "rejected", "denied"),
    "why": ("为什么", "为何", "原因", "why", "reason"),
    "halt": ("停止交易", "暂停交易", "停机", "紧急停止", "停止", "halt", "stop trading", "kill switch"),
    "status": ("市场状态", "行情状态", "market status", "status"),
}  # fmt: skip


def _table() -> dict[str, tuple[str, Any]]:
    table: dict[str, tuple[str, Any]] = {}
    for concept, phrases in _CONCEPTS.items():
        table.update(dict.fromkeys(phrases, (concept, None)))
    table.update({phrase: ("level", level) for phrase, level in _LEVELS.items()})
    table.update({phrase: ("points", kinds) for phrase, kinds in _POINTS.items()})
    return table


_TABLE = _table()
_LONGEST = max(len(phrase) for phrase in _TABLE)


@dataclass(slots=True)
class Meaning:
    """What a sentence says: the concepts in it, levels and types of points, and words that may name symbols."""

    language: Language
    concepts: set[str] = field(default_factory=set)
    levels: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Unclear:
    """A sentence that no plan follows from: a question back, or what is understood at all."""

    language: Language
    text: str


def language_of(text: str) -> Language:
    """Return the language to answer in: Chinese where there is a Chinese character."""
    return "zh" if any("\u4e00" <= c <= "\u9fff" for c in text) else "en"


def read(text: str) -> Meaning:
    """Return what a sentence says. Only its first 2,000 characters are read."""
    plain = unicodedata.normalize("NFKC", text[:MAX_TEXT])
    lower = plain.lower()
    # Some letters grow when they are made small; then places would not match, and symbols are read in small letters.
    original = plain if len(plain) == len(lower) else lower
    meaning = Meaning(language_of(plain))
    at = 0
    while at < len(lower):
        taken = _phrase(lower, at, meaning) or _word(original, lower, at, meaning)
        at += taken or 1
    return meaning


def _phrase(lower: str, at: int, meaning: Meaning) -> int:
    for length in range(min(_LONGEST, len(lower) - at), 0, -1):
        phrase = lower[at : at + length]
        known = _TABLE.get(phrase)
        if known is None or (_latin(phrase[0]) and not _stands_alone(lower, at, length)):
            continue
        concept, value = known
        if concept == "level":
            meaning.levels.append(value)
        elif concept == "points":
            meaning.types += [kind for kind in value if kind not in meaning.types]
            meaning.concepts.add("points")
        else:
            meaning.concepts.add(concept)
        return length
    return 0


def _word(original: str, lower: str, at: int, meaning: Meaning) -> int:
    end = at
    while end < len(lower) and (_latin(lower[end]) or (end > at and lower[end] in ".:_-")):
        end += 1
    word = original[at:end].rstrip(".:_-")
    if not word:
        return 0
    length = len(word)
    number = word if word.isascii() and word.isdecimal() else ""
    level, more = _level_after(lower, at + length, number) if 0 < len(number) <= 3 else (_level_word(word.lower()), 0)
    if level:
        meaning.levels.append(level)
    elif word not in meaning.words:
        meaning.words.append(word)
    return length + more


def _level_after(lower: str, at: int, number: str) -> tuple[str, int]:
    """Return the level that a number and the unit after it name, and how long the unit is."""
    start = at
    while at < len(lower) and lower[at] in " -":
        at += 1
    for length in range(7, 0, -1):
        unit = _UNITS.get(lower[at : at + length])
        if unit and (not _latin(lower[at]) or _stands_alone(lower, at, length)):
            level = _level_word(number + unit)
            return level, at + length - start if level else 0
    return "", 0


def _level_word(word: str) -> str:
    if word == "60m":
        return "1h"
    return word if word in _OFFERED_LEVELS and word != "1M" else ""


def _latin(letter: str) -> bool:
    return letter.isascii() and letter.isalnum()


def _stands_alone(lower: str, at: int, length: int) -> bool:
    before = at == 0 or not _latin(lower[at - 1])
    return before and (at + length >= len(lower) or not _latin(lower[at + length]))


# ── symbols ───────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Named:
    """The symbol that words name: one, several that fit alike, or none; `note` says what was assumed."""

    symbol: str | None = None
    choices: tuple[str, ...] = ()
    note: str = ""


def symbol_of(words: Sequence[str], known: Collection[str], language: Language) -> Named:
    """Return the symbol that the first fitting word names, out of those that have data.

    Six digits are a share of the mainland exchanges: Shenzhen before Shanghai, for the number of a stock there may be
    that of an index in Shanghai.
    """
    by_lower = {symbol.lower(): symbol for symbol in sorted(known)}
    for word in words:
        if word.lower() in by_lower:
            return Named(by_lower[word.lower()])
        if len(word) == 6 and word.isdecimal():
            return _share(word, by_lower, language)
    for word in words:
        if len(word) < 3 or word.isdecimal():
            continue
        fits = tuple(symbol for lower, symbol in by_lower.items() if lower.startswith(word.lower()))
        if len(fits) == 1:
            return Named(fits[0])
        if fits:
            return Named(choices=fits[:5])
    return Named()


def _share(digits: str, by_lower: Mapping[str, str], language: Language) -> Named:
    found = [by_lower[name] for suffix in (".sz", ".sh", ".bj") if (name := digits + suffix) in by_lower]
    if len(found) > 1:
        note = {
            "zh": f"{digits} 按股票 {found[0]} 理解（另有 {'、'.join(found[1:])}）",
            "en": f"{digits} is read as the stock {found[0]} (there is also {', '.join(found[1:])})",
        }[language]
        return Named(found[0], note=note)
    if found:
        return Named(found[0])
    suffix = ".SH" if digits[0] in "69" else ".BJ" if digits[0] in "48" else ".SZ"
    return Named(digits + suffix)


# ── plans ─────────────────────────────────────────────────────────────────────

UNDERSTOOD: Mapping[Language, tuple[str, ...]] = {
    "zh": (
        "000001 现在有什么买卖点", "BTCUSDT 30 分钟结构", "找到所有 30 分钟级别第二类买点的股票，并回测，设置提醒",
        "我的持仓", "额度还剩多少", "为什么拒绝", "停止交易",
    ),
    "en": (
        "points of BTCUSDT now", "structure of BTCUSDT 30m", "find all 30m second buys, backtest them, set alerts",
        "my positions", "my quota", "why was it refused", "halt",
    ),
}  # fmt: skip


def plan_of(text: str, known: Collection[str], *, level: str = "30m") -> Plan | Unclear:
    """Return the plan that answers a sentence; `known` are the symbols that have data, `level` where none is named."""
    meaning = read(text)
    said = meaning.concepts
    if "halt" in said and "why" not in said:
        return _plan("halt", meaning, Step("halt", "account", "halt", {"reason": "asked for in the chat"}))
    if "refused" in said:
        return _plan("why_refused", meaning, Step("why", "account", "explain_decision", {}))
    if "quota" in said:
        return _plan("quota", meaning, Step("quota", "account", "get_user_quota", {}))
    if "position" in said:
        return _plan("positions", meaning, Step("positions", "account", "get_position", {}))
    job = next((word.lower() for word in meaning.words if _JOB.fullmatch(word.lower())), None)
    if job is not None and said & {"backtest", "cancel"}:
        return _job(meaning, job)
    named = symbol_of(meaning.words, known, meaning.language)
    if named.choices:
        return Unclear(meaning.language, _which(named.choices, meaning.language))
    at = meaning.levels[0] if meaning.levels else level
    if "points" in said and named.symbol is None and said & {"find", "all", "backtest"}:
        return _scan(meaning, at)
    if named.symbol is None:
        return Unclear(meaning.language, _help(meaning.language))
    notes = (named.note,) if named.note else ()
    if said & {"backtest", "alert"}:
        return _one(meaning, named.symbol, at, notes)
    if "structure" in said and "points" not in said:
        step = Step("structure", "analysis", "analyze_structure", {"symbol": named.symbol, "level": at})
        return _plan("structure", meaning, step, notes=notes)
    return _plan("points", meaning, *_points_steps(meaning, at, named.symbol), notes=notes)


def _job(meaning: Meaning, job_id: str) -> Plan:
    """Return what shows how a backtest stands, or stops it."""
    if "cancel" in meaning.concepts:
        return _plan("cancel_job", meaning, Step("cancel", "learner", "cancel_job", {"job_id": job_id}))
    return _plan("backtest", meaning, Step("backtest", "learner", "backtest_strategy", {"job_id": job_id}))


def _plan(intent: str, meaning: Meaning, *steps: Step, notes: tuple[str, ...] = ()) -> Plan:
    return Plan(intent, meaning.language, steps, notes)


def _points_step(meaning: Meaning, level: str) -> Step:
    args: dict[str, Any] = {"level": level, "limit": SCAN_LIMIT, **_types(meaning)}
    return Step("points", "analysis", "query_buy_sell_points", args)


def _points_steps(meaning: Meaning, level: str, symbol: str) -> tuple[Step, ...]:
    """Return what shows the points of one symbol now: those that stand, and those that are forming."""
    args: dict[str, Any] = {"level": level, "symbol": symbol, "limit": SHOWN_OF_ONE, **_types(meaning)}
    return (
        Step("points", "analysis", "query_buy_sell_points", args),
        Step("forming", "analysis", "query_buy_sell_points", {**args, "state": "provisional"}),
    )


def _types(meaning: Meaning) -> dict[str, Any]:
    asked = sorted(meaning.types)
    return {"type": asked} if asked and asked != sorted(POINT_TYPES) else {}


def _scan(meaning: Meaning, level: str) -> Plan:
    steps = [_points_step(meaning, level)]
    if "backtest" in meaning.concepts:
        steps.append(_backtest(meaning, f"$points.points.symbol[:{BACKTEST_SYMBOLS}]", level))
    if "alert" in meaning.concepts:
        steps.append(_alert(meaning, f"$points.points.symbol[:{ALERT_SYMBOLS}]", level))
    return _plan("scan", meaning, *steps)


def _one(meaning: Meaning, symbol: str, level: str, notes: tuple[str, ...]) -> Plan:
    steps = list(_points_steps(meaning, level, symbol))
    if "backtest" in meaning.concepts:
        steps.append(_backtest(meaning, [symbol], level))
    if "alert" in meaning.concepts:
        steps.append(_alert(meaning, [symbol], level))
    return _plan("points", meaning, *steps, notes=notes)


def _backtest(meaning: Meaning, symbols: Any, level: str) -> Step:
    args: dict[str, Any] = {"symbols": symbols, "level": level}
    buys = sorted(kind for kind in meaning.types if kind.startswith("buy"))
    if buys and len(buys) < 3:
        args["params"] = {"entry": ",".join(buys)}
    return Step("backtest", "learner", "backtest_strategy", args)


def _alert(meaning: Meaning, symbols: Any, level: str) -> Step:
    """Return the alert that belongs to the question: who holds after a buy waits for a sell."""
    asked = set(meaning.types) or set(POINT_TYPES[:3])
    other = [kind for kind in POINT_TYPES if kind.startswith("sell" if asked <= set(POINT_TYPES[:3]) else "buy")]
    return Step("alert", "monitor", "subscribe_alert", {"symbols": symbols, "level": level, "type": other})


def _which(choices: Sequence[str], language: Language) -> str:
    listed = ", ".join(choices)
    return f"指的是哪一个：{listed}？" if language == "zh" else f"Which one is meant: {listed}?"


def _help(language: Language) -> str:
    lines = "\n".join(f"  {line}" for line in UNDERSTOOD[language])
    if language == "zh":
        return f"没有配置模型时能理解这些问法：\n{lines}"
    return f"Without a model these are understood:\n{lines}"
