"""What the desk says without a model, Chinese and English side by side.

`{@.price}` is a place for a value of the row that is spoken of, `{step.field}` one of a step's result; `<word>` is
replaced by a word.
"""

from __future__ import annotations

from collections.abc import Mapping

from chanflow.domain.prompt import Language

PHRASES: Mapping[str, Mapping[Language, str]] = {
    "not_done": {"zh": "<operation> 没有完成：<reason>", "en": "<operation> was not done: <reason>"},
    "no_points": {
        "zh": "没有这样的买卖点（扫描了 {points.scanned} 个标的）。",
        "en": "There is no such point ({points.scanned} symbols scanned).",
    },
    "scanned": {
        "zh": "扫描了 {points.scanned} 个标的，最新的买卖点<more>：",
        "en": "{points.scanned} symbols scanned, the newest points<more>:",
    },
    "more": {"zh": "（还有更多）", "en": " (there are more)"},
    "point": {
        "zh": "<level>级别<kind>，形成于 {@.time|clock}，价格 {@.price}（<state>；<measured>）",
        "en": "<kind> of <level>, formed {@.time|clock} at {@.price} (<state>; <measured>)",
    },
    "measured": {
        "zh": "同类历史胜率 {@.stats.hit_rate|percent}，n={@.stats.n}",
        "en": "measured hit rate {@.stats.hit_rate|percent}, n={@.stats.n}",
    },
    "not_measured": {"zh": "同类历史胜率尚未测量", "en": "hit rate not measured"},
    "backtest_runs": {
        "zh": "回测任务 {backtest.job_id} 还在进行：{backtest.status}。可以问「回测 <id>」或「取消回测 <id>」",
        "en": "The backtest {backtest.job_id} is not done yet: {backtest.status}. "
        "Ask for backtest <id>, or cancel backtest <id>",
    },
    "backtest_ended": {
        "zh": "回测任务 {backtest.job_id} 没有结果：{backtest.status}",
        "en": "The backtest {backtest.job_id} has no result: {backtest.status}",
    },
    "job_told": {
        "zh": "任务 {cancel.job_id} 将在下一步停止：{cancel.status}",
        "en": "The job {cancel.job_id} stops at its next step: {cancel.status}",
    },
    "job_over": {
        "zh": "任务 {cancel.job_id} 已结束：{cancel.status}",
        "en": "The job {cancel.job_id} has ended: {cancel.status}",
    },
    "no_trades": {"zh": "回测：没有交易。", "en": "Backtest: no trades."},
    "backtest": {
        "zh": (
            "回测：{@.trades} 笔，毛利 {@.gross|money}，成本 {@.costs|money}，净利 {@.net|money}，收益 "
            "{@.return_frac|signed_percent}，最大回撤 {@.max_drawdown_frac|percent}，胜率 {@.hit_rate|percent}"
            "（区间 {@.ci.low|percent} 至 {@.ci.high|percent}）"
        ),
        "en": (
            "Backtest: {@.trades} trades, gross {@.gross|money}, costs {@.costs|money}, net {@.net|money}, return "
            "{@.return_frac|signed_percent}, largest drawdown {@.max_drawdown_frac|percent}, hit rate "
            "{@.hit_rate|percent} (interval {@.ci.low|percent} to {@.ci.high|percent})"
        ),
    },
    "alert": {"zh": "提醒已设置：{alert.alert_id}", "en": "Alert set: {alert.alert_id}"},
    "alert_ended": {
        "zh": "同样的提醒曾经设置过，已结束：{alert.alert_id}（{alert.status}）",
        "en": "The same alert was set before and has ended: {alert.alert_id} ({alert.status})",
    },
    "structure": {
        "zh": "{@.symbol} {@.level}：走势<trend>，{@.bars} 根 K 线",
        "en": "{@.symbol} {@.level}: trend <trend>, {@.bars} bars",
    },
    "center": {"zh": "最近的中枢 {@.zd} 至 {@.zg}", "en": "newest center {@.zd} to {@.zg}"},
    "stroke": {"zh": "最近一笔<way>，至 {@.end.price}", "en": "newest stroke <way>, to {@.end.price}"},
    "equity": {"zh": "权益 {positions.equity|money}", "en": "equity {positions.equity|money}"},
    "flat": {"zh": "没有持仓", "en": "no position"},
    "position": {
        "zh": (
            "{@.symbol} <side> {@.size}，成本 {@.entry}，现价 {@.mark}，浮动盈亏 {@.unrealised|money}，止损 {@.stop}"
        ),
        "en": (
            "{@.symbol} <side> {@.size}, entry {@.entry}, mark {@.mark}, unrealised {@.unrealised|money}, stop {@.stop}"
        ),
    },
    "nothing_refused": {"zh": "没有被拒绝的决定。", "en": "Nothing was refused."},
    "decision": {"zh": "决定 {why.decision_id}：", "en": "decision {why.decision_id}:"},
    "halted": {"zh": "已停止：不再开仓，止损保留。", "en": "Halted: nothing opens any more, stops stay."},
    "quota": {"zh": "{@.name}：{@.used} / {@.limit}", "en": "{@.name}: {@.used} / {@.limit}"},
    "confirm": {
        "zh": "以下操作会产生改变，要执行吗：<operations>",
        "en": "These change something; do them? <operations>",
    },
    "no_operation": {"zh": "本机没有提供这个操作", "en": "this desk does not offer it"},
    "notice": {"zh": "以上不构成投资建议。", "en": "This is not investment advice."},
}

WORDS: Mapping[str, Mapping[Language, str]] = {
    "buy1": {"zh": "第一类买点", "en": "first buy"}, "buy2": {"zh": "第二类买点", "en": "second buy"},
    "buy3": {"zh": "第三类买点", "en": "third buy"}, "sell1": {"zh": "第一类卖点", "en": "first sell"},
    "sell2": {"zh": "第二类卖点", "en": "second sell"}, "sell3": {"zh": "第三类卖点", "en": "third sell"},
    "1m": {"zh": "1 分钟", "en": "1m"}, "5m": {"zh": "5 分钟", "en": "5m"}, "30m": {"zh": "30 分钟", "en": "30m"},
    "1h": {"zh": "60 分钟", "en": "1h"}, "1d": {"zh": "日线", "en": "daily"}, "1w": {"zh": "周线", "en": "weekly"},
    "1M": {"zh": "月线", "en": "monthly"}, "confirmed": {"zh": "已确认", "en": "confirmed"},
    "provisional": {"zh": "未确认", "en": "provisional"}, "void": {"zh": "已失效", "en": "void"},
    "up": {"zh": "向上", "en": "up"}, "down": {"zh": "向下", "en": "down"}, "range": {"zh": "盘整", "en": "range"},
    "long": {"zh": "多", "en": "long"}, "short": {"zh": "空", "en": "short"},
}  # fmt: skip


def say(key: str, language: Language, *, place: str = "", **words: str) -> str:
    """Return a phrase with its places on `place`, and its words put in; braces in words become brackets."""
    text = PHRASES[key][language].replace("@", place)
    for name, word in words.items():
        text = text.replace(f"<{name}>", word.replace("{", "(").replace("}", ")"))
    return text


def word(key: str | None, language: Language) -> str:
    """Return a word of the desk's own in a language; one that is not known as it is."""
    return WORDS.get(key or "", {}).get(language, key or "-")
