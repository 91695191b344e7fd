from __future__ import annotations

from typing import Any

import pytest
from made_desk import NOW
from made_watch import names, trigger, watching

from chanflow.domain.structure import StructureNews

SELL_3A = StructureNews("point_confirmed", "point:sell3a@5m#9", "sell3a")


@pytest.mark.parametrize(
    ("params", "news", "fires"),
    [
        (("5m", "point_confirmed", "sell3"), SELL_3A, True),
        (("5m", "point_confirmed", "sell3a"), SELL_3A, True),
        (("5m", "point_confirmed", "sell3b"), SELL_3A, False),
        (("5m", "point_confirmed", None), SELL_3A, True),
        (("5m", "point_confirmed", "buy3"), SELL_3A, False),
        (("5m", "point_void", "sell3"), SELL_3A, False),
        (("30m", "point_confirmed", "sell3"), SELL_3A, False),
        (("5m", "point_void", "buy2"), StructureNews("point_void", "point:buy2s@5m#4", "buy2s"), True),
        (("5m", "point_confirmed", "buy1"), StructureNews("point_confirmed", "point:buy1p@5m#4", "buy1p"), True),
        (("5m", "stroke_confirmed", None), StructureNews("stroke_confirmed", "stroke#4"), True),
        (("5m", "center_formed", None), StructureNews("center_formed", "center#4"), True),
        (("5m", "center_left", None), StructureNews("center_left", "center#4"), True),
        (("5m", "center_left", None), StructureNews("center_formed", "center#4"), False),
    ],
)
def test_an_event_of_the_level_fires_those_that_name_it(params: tuple[Any, ...], news: Any, fires: bool) -> None:
    watch = watching(trigger("structure_event", *params))
    told = watch.on_structure("SIMUSDT", "5m", news, now_ns=NOW)
    assert [each.observed for each in told] == ([f"{news.event} {news.ref}"] if fires else [])
    assert names(watch.on_structure("SIMUSDT", "5m", news, now_ns=NOW)) == []
