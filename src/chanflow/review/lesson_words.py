"""What the words of a lesson or a summary may be.

They go into prompts, so a model that wrote them must not be able to speak to the next one of limits or sizes, or in
somebody else's words. Words stand for nothing: no limit, size or order is read from them. This is the second line of
defence, not the first.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

OVERLAP = 20
"""So many letters in a row, spaces and signs left out, that stand in an outside text too are a quotation."""

_ENGLISH = """
all allin allocate allocation always amount bet bets bigger boost borrow bypass cap capital caps cent
cents circumvent constraint constraints contract contracts disable disabled disregard dollar dollars
double doubled enlarge equity exceed exempt exemption forget full fully gate greater guard half halt
halve ignore ignoring increase instruction instructions ladder larger leverage leveraged levered lift
limit limits loosen lot lots margin max maximal maximise maximize maximum more most multiplier never
notional obey override overrule percent percentage permission position positions prompt pyramid qty
quadruple quantity quota raise relax remove resume rule rules scale size sized sizes sizing skip stake
stop stops system threefold tool tools tranche triple twice unlimited unlock unrestricted usd usdc usdt
weight widen without
"""
FORBIDDEN = frozenset(_ENGLISH.split())
_CHINESE = """
仓 杠杆 上限 下限 限额 限制 限仓 放宽 提高 加大 扩大 忽略 无视 取消 绕过 倍 翻番
全押 梭哈 止损 风控 风险 数量 张数 手数 美元 美金 金额 本金 保证金 百分 成资
指令 规则 必须 永远 一律 加码 停止 解除 权限 额度
"""
FORBIDDEN_CHINESE = tuple(_CHINESE.split())


def fault_in(
    text: str, *, most: int, numbers: Iterable[str] = (), names: Iterable[str] = (), outside: Sequence[str] = ()
) -> str | None:
    """Return in a sentence why words may not be kept, or None.

    `numbers` are those that code has counted, the only ones allowed; `names` are identifiers that may stand as they
    are, like those of features and setups; `outside` are texts that did not come from the desk.
    """
    if not 0 < len(text) <= most:
        return f"it has {len(text)} characters, allowed are 1 to {most}"
    for char in text:
        if unicodedata.category(char)[0] == "C":
            return f"it has the invisible character U+{ord(char):04X}"
    plain = unicodedata.normalize("NFKC", text).casefold()
    if "://" in plain or "<" in plain.replace("< ", "").replace("<= ", ""):
        return "it has markup or an address in it"
    for char in text:
        if not _is_known(char):
            return f"it has the character {char!r}, allowed are a to z, Chinese, digits and common signs"
    return _bad_word(plain, set(names), set(numbers)) or _quotation(plain, outside)


def _is_known(char: str) -> bool:
    if char.isascii() or unicodedata.category(char)[0] in "PZ":
        return True
    return unicodedata.name(char, "").startswith(("CJK UNIFIED", "MINUS SIGN", "LESS-THAN", "GREATER-THAN"))


def _bad_word(plain: str, names: set[str], numbers: set[str]) -> str | None:
    known = {name.casefold() for name in names}
    for token in tokens(plain):
        if token in known:
            continue
        if any(char.isdigit() for char in token):
            if token.lstrip("+-") not in numbers:
                return f"it says {token}, a number that was not counted"
            continue
        # Parts too, since a dash or an underscore may join them.
        for word in token.replace("-", " ").replace("_", " ").split():
            if word in FORBIDDEN:
                return f"it says {word!r}, and a lesson speaks of no size, limit or rule"
        for words in FORBIDDEN_CHINESE:
            if words in token:
                return f"it says {words!r}, and a lesson speaks of no size, limit or rule"
    joined = "".join(char for char in plain if char.isalpha())
    spaced = next((w for w in ("leverage", "ignorethe", "override", "notional", "positionsize") if w in joined), None)
    return None if spaced is None or spaced in {n.replace("_", "") for n in known} else f"it says {spaced!r}"


def tokens(plain: str) -> list[str]:
    """Return runs of letters, digits, and the signs that hold numbers and names together."""
    kept = "".join(char if char.isalnum() or char in "_.+-%" else " " for char in plain)
    return [token for part in kept.split() if (token := part.strip(".-_") if not part.endswith("%") else part)]


def _quotation(plain: str, outside: Sequence[str]) -> str | None:
    ours = _letters(plain)
    pieces = {ours[at : at + OVERLAP] for at in range(len(ours) - OVERLAP + 1)}
    for text in outside:
        theirs = _letters(unicodedata.normalize("NFKC", text).casefold())
        if any(theirs[at : at + OVERLAP] in pieces for at in range(len(theirs) - OVERLAP + 1)):
            return "it quotes a text from outside the desk"
    return None


def _letters(text: str) -> str:
    return "".join(char for char in text if char.isalnum())
