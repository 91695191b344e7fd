from __future__ import annotations

import pytest
from made_desk import NOW
from made_watch import trigger, watching

from chanflow.domain.flow import FlowBin, FlowDivergence
from chanflow.domain.structure import StructureNews

DETECTED_MS = NOW // 10**6


@pytest.mark.parametrize(
    ("channel", "kind", "fires"), [("cvd", "bear", True), ("cvd", "bull", False), ("ofi", "bear", False)]
)
def test_a_divergence_of_order_flow_fires_when_it_is_detected(channel: str, kind: str, fires: bool) -> None:
    watch = watching(trigger("divergence", channel, kind))
    flow = FlowBin(
        DETECTED_MS + 1_000, None, None, None, (FlowDivergence("cvd", "bear", DETECTED_MS, DETECTED_MS - 5_000),)
    )
    told = watch.on_bin("SIMUSDT", flow, now_ns=NOW)
    assert [each.observed for each in told] == (["cvd_div@2026-01-05T00:00:00.000000000Z"] if fires else [])


@pytest.mark.parametrize(("kind", "told_of", "fires"), [("bull", "bull", 1), ("bull", "bear", 0), ("bull", None, 0)])
def test_a_point_that_rests_on_a_divergence_is_one_of_macd(kind: str, told_of: str | None, fires: int) -> None:
    watch = watching(trigger("divergence", "macd", kind))
    news = StructureNews("point_confirmed", "point:buy1@5m#3", "buy1", told_of)  # type: ignore[arg-type]
    assert len(watch.on_structure("SIMUSDT", "5m", news, now_ns=NOW)) == fires
