"""Events of the Chan engine as values."""

from __future__ import annotations

import pickle
from functools import cache

import pytest
from chan_goldens import rows, walk

from chanflow.features import chan
from chanflow.features.chan_events import Event

CLASSES = (chan.StrokeEvent, chan.SegmentEvent, chan.CenterEvent, chan.PointEvent)


@cache
def events() -> list[Event]:
    engine = chan.Engine("chanpy")
    return [event for row in rows(walk(2_000, seed=41)) for event in engine.push(*row)]


def first(kind: type[Event]) -> Event:
    return next(event for event in events() if isinstance(event, kind))


@pytest.mark.parametrize("kind", CLASSES)
def test_an_event_is_made_again_of_its_fields(kind: type[Event]) -> None:
    event = first(kind)
    fields = {name: getattr(event, name) for name in kind.__match_args__}
    again = kind(**fields)
    assert again == event
    assert hash(again) == hash(event)
    assert repr(event) == f"{kind.__name__}({', '.join(f'{name}={value!r}' for name, value in fields.items())})"
    assert pickle.loads(pickle.dumps(event)) == event


@pytest.mark.parametrize("kind", CLASSES)
def test_an_event_with_another_field_is_another(kind: type[Event]) -> None:
    event = first(kind)
    fields = {name: getattr(event, name) for name in kind.__match_args__}
    assert kind(**fields | {"bar": event.bar + 1}) != event


@pytest.mark.parametrize("kind", CLASSES)
def test_an_event_is_frozen(kind: type[Event]) -> None:
    with pytest.raises(AttributeError):
        first(kind).bar = 0  # type: ignore[misc]


def test_an_event_matches_by_its_fields() -> None:
    match first(chan.PointEvent):
        case chan.PointEvent("new", "stroke", element, word, side):
            assert (element >= 0, word in chan.POINT_TYPES, side in ("buy", "sell")) == (True, True, True)
        case other:
            pytest.fail(f"no match: {other}")


def test_a_word_that_no_event_has_is_refused() -> None:
    with pytest.raises(ValueError, match='"gone" is no word of an event: new, revised'):
        chan.StrokeEvent("gone", 0, 0, 1, 0, 1, 1.0, 2.0, 1, 1)  # type: ignore[arg-type]
