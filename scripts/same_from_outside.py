"""Mutants of the risk room that nothing tells apart from outside, by file, source line and change, and why."""

from __future__ import annotations

_NO_DIGIT_MORE = "a digit more of a quotient is shown nowhere: what is told is rounded to six digits at most"
_EXPONENT = "rounding looks at the exponent alone"
_NEVER_ZERO = "positions of nothing are left out before, so the quantity is never 0"

REASONS: dict[tuple[str, str, str], str] = {
    ("dry_run.py", "_DIGITS = Context(prec=28)", "28 -> 29"): _NO_DIGIT_MORE,
    ("dry_run.py", 'return share.quantize(Decimal("0.0001"))', "'0.0001' -> '0.0002'"): _EXPONENT,
    (
        "dry_run.py",
        'pairs = zip(check.value.split(", "), check.bound.split(", "), strict=True)',
        "True -> False",
    ): "both texts name two counts",
    ("guardian.py", "_DIGITS = Context(prec=28)", "28 -> 29"): _NO_DIGIT_MORE,
    (
        "guardian.py",
        "part = qty if wanted >= worth else _round_up(_DIGITS.divide(wanted * qty, worth), instrument, qty)",
        "wanted >= worth -> wanted > worth",
    ): "all of it, rounded up and no more than there is, is all of it",
    (
        "guardian.py",
        "exposure[base] = exposure.get(base, ZERO) + (worth if qty > 0 else -worth)",
        (
            "exposure.get(base, ZERO) + (worth if qty > 0 else -worth) -> "
            "exposure.get(base, ZERO) - (worth if qty > 0 else -worth)"
        ),
    ): "the sign of the whole sum turns, and only its size is looked at",
    (
        "guardian.py",
        "exposure[base] = exposure.get(base, ZERO) + (worth if qty > 0 else -worth)",
        "qty > 0 -> qty >= 0",
    ): _NEVER_ZERO,
    (
        "guardian.py",
        'side="sell" if self.facts.signed[symbol] > 0 else "buy", how="ioc" if tries < SLICE_ATTEMPTS else "market",',
        "self.facts.signed[symbol] > 0 -> self.facts.signed[symbol] >= 0",
    ): _NEVER_ZERO,
    (
        "guardian.py",
        'qty_base=abs(qty), side="sell" if qty > 0 else "buy")  # fmt: skip',
        "qty > 0 -> qty >= 0",
    ): _NEVER_ZERO,
    (
        "judgement.py",
        "DIGITS = Context(prec=48, traps=[InvalidOperation, DivisionByZero, Overflow])",
        "48 -> 49",
    ): "sums and products of amounts are exact in both",
    (
        "judgement.py",
        "wished = p.size_quote is not None or p.leverage > LADDER[self.state.level].max_leverage",
        "p.leverage > LADDER[self.state.level].max_leverage -> p.leverage >= LADDER[self.state.level].max_leverage",
    ): "check 5 asked too is answered as check 9 is: only time is lost",
    (
        "judgement.py",
        'symbol=proposal.symbol, side="sell" if position.qty_base > 0 else "buy", qty_base=qty,',
        "position.qty_base > 0 -> position.qty_base >= 0",
    ): "a position of nothing is not closed, so the side of its closing is never seen",
    (
        "ladder.py",
        "lasting = _l0_cause(replace(evidence, straight_losses=0, forced_close=False), limits)",
        "0 -> 1",
    ): "one loss in a row is as far from five as none",
    (
        "record.py",
        'return "win" if self.net_quote > 0 else "loss"',
        "self.net_quote > 0 -> self.net_quote >= 0",
    ): "a result of nothing was neutral before",
    (
        "reducing.py",
        'against = "sell" if position.qty_base > 0 else "buy"',
        "position.qty_base > 0 -> position.qty_base >= 0",
    ): "of a position of nothing, nothing is left",
    (
        "reducing.py",
        'return (side == "sell") == (position.qty_base > 0) and 0 < qty_base <= closable',
        "position.qty_base > 0 -> position.qty_base >= 0",
    ): "a position of nothing was answered before",
    (
        "reducing.py",
        'if p.symbol == proposal.symbol and p.qty_base != 0 and (p.qty_base > 0) != (proposal.action == "open_long")',
        "p.qty_base > 0 -> p.qty_base >= 0",
    ): _NEVER_ZERO,
    (
        "reducing.py",
        (
            "if p.symbol == symbol and p.qty_base.is_finite() and p.qty_base != 0 and (p.qty_base > 0) != "
            '(side == "buy")),'
        ),
        "p.qty_base > 0 -> p.qty_base >= 0",
    ): _NEVER_ZERO,
    ("verdict.py", '_SHOWN = Decimal("0.0001")', "'0.0001' -> '0.0002'"): _EXPONENT,
    (
        "verdict.py",
        "if ok and value.is_finite() and value.adjusted() <= MAX_DIGITS:",
        "value.adjusted() <= MAX_DIGITS -> value.adjusted() < MAX_DIGITS",
    ): "the longer way to the text gives the same one",
    ("volatility.py", '_GIVEN = Decimal("0.000001")', "'0.000001' -> '0.000002'"): _EXPONENT,
    ("volatility.py", "_DIGITS = Context(prec=28)", "28 -> 29"): _NO_DIGIT_MORE,
}
