"""What a new user accepts before the desk works for them. A new version is asked for again."""

from __future__ import annotations

NOTICE_VERSION = "2026-11"
NOTICE_EN = (
    "Nothing that this desk says, computes or does is investment advice. Trading can lose all that is put in. "
    "Every decision, and every order sent in your name, is your own."
)
NOTICE_ZH = (
    "本系统的任何内容、计算与操作均不构成投资建议。交易可能损失全部本金。一切决定及以您名义发出的订单，由您自行负责。"
)
