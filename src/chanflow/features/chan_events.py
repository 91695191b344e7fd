"""What a bar changes in a Chan structure (缠论): one event for each change of each object.

The classes are made by the compiled core, which gives a field its Python value only when it is read.
"""

from __future__ import annotations

from typing import Literal

from chanflow_native import CenterEvent, PointEvent, ResetEvent, SegmentEvent, StrokeEvent

__all__ = ["CenterEvent", "Event", "EventKind", "PointEvent", "ResetEvent", "SegmentEvent", "Side", "StrokeEvent"]

EventKind = Literal["new", "revised", "confirmed", "void"]
Side = Literal["buy", "sell"]

Event = StrokeEvent | SegmentEvent | CenterEvent | PointEvent | ResetEvent
