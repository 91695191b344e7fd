"""Prompts: ready questions to a model that has the desk's tools, in Chinese or English."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from mcp.server import MCPServer
from pydantic import Field, StringConstraints

from chanflow.operations.fields import Symbol

Language = Literal["zh", "en"]
Short = Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9:.,_+-]*$")]
_IN = Field(default="en", description="zh or en")

_MORNING = {
    "en": (
        "Review my desk before the day begins. Call get_market_status, then get_position, then query_buy_sell_points "
        "{scope} for the levels 30m and 1d. Tell me: is the desk halted or a feed stale; which positions stand "
        "without a stop; which confirmed points are new, each with its measured hit rate and n. Say known_at. Where a "
        "figure is missing, say so. Place no order."
    ),
    "zh": (
        "在开盘前检查我的交易台。先调用 get_market_status，再调用 get_position，然后{scope}用 query_buy_sell_points "
        "查询 30m 和 1d 级别。请说明：交易台是否停机、行情是否过期；哪些持仓没有止损；哪些已确认的买卖点是新的，"
        "并给出各自实测命中率和样本数 n。注明 known_at。缺少的数字要说明。不要下单。"
    ),
}
_POINT = {
    "en": (
        "Explain the newest {kind} of {symbol} at level {level}. Call query_buy_sell_points for it and "
        "analyze_structure for the strokes (笔), segments (线段) and centers (中枢) it rests on. Say which center it "
        "belongs to, what confirmed it or is still missing, at which price it would be void, and what its measured "
        "hit rate and interval are. Keep what is measured apart from what you conclude."
    ),
    "zh": (
        "解释 {symbol} 在 {level} 级别上最近的{kind}。调用 query_buy_sell_points 查询该点，再调用 analyze_structure "
        "查看它所依据的笔、线段和中枢。说明它属于哪个中枢、由什么确认或还缺什么、价格到哪里会失效，"
        "以及实测命中率和区间。把实测的与你推断的分开。"
    ),
}
_BACKTEST = {
    "en": (
        "Find confirmed buy/sell points {scope} at level {level} with query_buy_sell_points, take the symbols of the "
        "five newest, and backtest them together with backtest_strategy, strategy {strategy}, costs on. If it "
        "answers queued or running, ask again with its job_id. Report trades, net after costs, drawdown, hit rate "
        "with its interval, and how many trials were made: the more trials, the less one result is worth. "
        "Place no order."
    ),
    "zh": (
        "用 query_buy_sell_points {scope}查找 {level} 级别已确认的买卖点，取最新五个的标的，"
        "用 backtest_strategy 以策略 {strategy} 一起回测，计入成本。若返回 queued 或 running，用 job_id 再次查询。"
        "报告交易次数、扣除成本后的净收益、回撤、命中率及其区间，以及已试验的次数：试验越多，单次结果越不可信。"
        "不要下单。"
    ),
}
_KINDS = {
    "en": {"": "buy or sell point (买卖点)", "buy": "buy point (买点)", "sell": "sell point (卖点)"},
    "zh": {"": "买卖点", "buy": "买点", "sell": "卖点"},
}


def add_prompts(server: MCPServer[Any]) -> None:
    """Offer the prompts on a server."""
    for name, title, prompt in (
        ("morning_review", "Morning review (盘前检查)", morning_review),
        ("explain_point", "Explain a buy/sell point (解释买卖点)", explain_point),
        ("find_and_backtest", "Find points and backtest them (选股并回测)", find_and_backtest),
    ):
        offer: Callable[[Any], Any] = server.prompt(name, title=title)
        offer(prompt)


def morning_review(
    symbols: Annotated[Short, Field(description="symbols by comma; the whole market without")] = "",
    lang: Annotated[Language, _IN] = "en",
) -> str:
    """Look over desk, positions and new points before the day begins."""
    return _filled(_MORNING, lang, scope=_scope(symbols, lang))


def explain_point(
    symbol: Annotated[Symbol, Field(description="such as BTCUSDT or 000001.SZ")],
    level: Annotated[Literal["1m", "5m", "30m", "1d", "1w", "1M"], Field(description="30m without")] = "30m",
    side: Annotated[Literal["", "buy", "sell"], Field(description="buy or sell; either without")] = "",
    lang: Annotated[Language, _IN] = "en",
) -> str:
    """Explain the newest point of a symbol by the structure it rests on."""
    return _filled(_POINT, lang, symbol=symbol, level=level, kind=_KINDS[lang][side])


def find_and_backtest(
    symbols: Annotated[Short, Field(description="symbols by comma; the whole market without")] = "",
    level: Annotated[Literal["1m", "5m", "30m", "1d", "1w", "1M"], Field(description="30m without")] = "30m",
    strategy: Annotated[Short, Field(description="chan_confluence without")] = "chan_confluence",
    lang: Annotated[Language, _IN] = "en",
) -> str:
    """Find points, then test on past bars what trading them would have come to."""
    return _filled(_BACKTEST, lang, scope=_scope(symbols, lang), level=level, strategy=strategy)


def _scope(symbols: str, lang: Language) -> str:
    if symbols:
        return f"for {symbols}" if lang == "en" else f"针对 {symbols} "
    return "of the whole market" if lang == "en" else "对全市场"


def _filled(texts: Mapping[str, str], lang: Language, **parts: str) -> str:
    return texts[lang].format(**parts)
