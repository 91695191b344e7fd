from __future__ import annotations

import pytest
from made_desk import NOW
from made_watch import trigger, watching

from chanflow.domain.flow import FlowBin


@pytest.mark.parametrize(
    ("op", "bars", "figures", "fires_at"),
    [
        (">", 1, (0.5, 0.6), 1),
        (">", 1, (0.5, 0.5), None),
        (">", 3, (0.6, 0.7, 0.8), 2),
        (">", 3, (0.6, 0.7, 0.4, 0.6, 0.7), None),
        (">", 3, (0.6, 0.7, 0.4, 0.6, 0.7, 0.9), 5),
        (">", 3, (0.6, None, 0.6, 0.6, 0.6), 4),
        (">", 2, (None, 0.9, None, 0.9), None),
        ("<", 2, (0.4, 0.3), 1),
        ("<", 2, (0.4, 0.5, 0.4), None),
    ],
)
@pytest.mark.parametrize("field", ["fusion_score", "z_ofi", "z_cvd"])
def test_a_figure_must_hold_for_all_bins(
    field: str, op: str, bars: int, figures: tuple[float | None, ...], fires_at: int | None
) -> None:
    watch = watching(trigger("flow", field, op, 0.5, bars))
    fired = None
    for at, figure in enumerate(figures):
        told = {"fusion_score": None, "z_ofi": None, "z_cvd": None, field: figure}
        if watch.on_bin("SIMUSDT", FlowBin(at, **told, divergences=()), now_ns=NOW):  # type: ignore[arg-type]
            fired = at
    assert fired == fires_at
