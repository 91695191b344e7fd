"""Whatever the rows, decisions keep their invariants."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from made_features import START_MS, row

from chanflow.domain.signal import side_of
from chanflow.signals.core_algorithm import UNJUDGED, CoreAlgorithm, CoreConfig
from chanflow.signals.mode import ModeConfig

FIGURES = ("z_ofi", "z_cvd", "fusion", "consistency", "spread_bps", "lag_sec", "move_5m_bps", "mid", "trades_per_min")
anything = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)  # fmt: skip
likely = st.floats(-6, 6)
spoilt = st.dictionaries(
    st.sampled_from([*FIGURES, "symbol", "ts_ms", "book_ok", "reasons", "divergences", "known_ms"]), anything
)
told = st.dictionaries(st.sampled_from(FIGURES), likely)
steps = st.lists(st.tuples(st.integers(-70_000, 40_000), st.one_of(told, told, spoilt)), min_size=1, max_size=40)


@given(steps=steps, setting=st.sampled_from(["auto", "active", "quiet"]))
def test_decisions_keep_their_invariants(steps: list[tuple[int, dict[str, Any]]], setting: Any) -> None:
    core = CoreAlgorithm(CoreConfig(mode=ModeConfig(setting=setting)), run_id="r", config_hash="c" * 64)
    now_ms, ids, last = START_MS, set(), {}
    for step_ms, changes in steps:
        now_ms = max(START_MS, now_ms + step_ms)
        one = core.decide(row(**{"ts_ms": now_ms, **changes}))
        assert one.confirm == (one.decision_code == "OK") == (not one.gating_blocked) == (not one.reasons)
        assert one.side_hint == (side_of(one.signal_type) if one.confirm else "flat")
        assert not one.confirm or one.signal_type != "neutral"
        assert one.decision_code not in UNJUDGED or one.signal_type == "neutral"
        assert one.known_ms >= one.ts_ms
        ids.add(one.signal_id)
        if one.confirm:
            key = (one.symbol, one.side_hint)
            assert one.ts_ms - last.get(key, 0) >= 30_000
            last[key] = one.ts_ms
    assert len(ids) == len(steps)


@given(told)
def test_buying_and_selling_mirror_each_other(changes: dict[str, Any]) -> None:
    """Turn every flow and the move: the same code, the other side."""
    rows = [row(**changes)]
    turned = {
        name: -value if name in ("z_ofi", "z_cvd", "fusion", "move_5m_bps") else value
        for name, value in rows[0].items()
    }
    one, other = (
        CoreAlgorithm(CoreConfig(), run_id="r", config_hash="c" * 64).decide(each) for each in (rows[0], turned)
    )
    sides = {"buy": "sell", "sell": "buy", "flat": "flat"}
    assert (other.decision_code, other.side_hint) == (one.decision_code, sides[one.side_hint])
