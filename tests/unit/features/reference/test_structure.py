from __future__ import annotations

import json
from itertools import pairwise

from chanflow.features.reference.structure import analyze


def test_no_bars_give_empty_lists() -> None:
    empty = analyze([])
    assert (empty.pop("schema"), empty.pop("bars"), empty.pop("merged")) == ("chanflow.structure/1", 0, 0)
    assert empty == {key: [] for key in ("strokes", "segments", "super_segments", "centers", "points", "resets")}


def test_a_structure_is_json_and_points_at_its_own_objects(steps) -> None:
    turns = [0, 8, 3, 14, 6, 11, 2, 9, 1, 20, 12, 17, 10, 15, 4, 13, 5, 25]
    ramp = [float(low) for begin, end in pairwise(turns) for low in between(begin, end)]
    shown = json.loads(json.dumps(analyze(steps(ramp), preset="chanpy"), allow_nan=False))
    assert shown["bars"] == len(ramp)
    assert [each["end_bar"] for each in shown["strokes"][:-1]] == [each["start_bar"] for each in shown["strokes"][1:]]
    assert shown["points"]
    for point in shown["points"]:
        owner = shown["strokes" if point["level"] == "stroke" else "segments"][point["element"]]
        assert (owner["end_bar"], owner["end_price"]) == (point["bar"], point["price"])
    assert shown["segments"]
    for segment in shown["segments"]:
        assert shown["strokes"][segment["start_stroke"]]["start_bar"] == segment["start_bar"]


def between(begin: int, end: int) -> range:
    return range(begin, end, 1 if end > begin else -1)
