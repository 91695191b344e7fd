//! An era: the bars between two resets, and everything they show. Without guards there is one, of all bars.
//!
//! Bars keep their numbers in the whole series; everything else is numbered within the era.

use crate::bar::Bar;
use crate::center::Center;
use crate::divergence_columns::{Carried, Columns};
use crate::element::{Element, SegmentSpan};
use crate::error::ChanError;
use crate::event::{Event, EventKind, Object};
use crate::inclusion::Direction;
use crate::ledger::Reading;
use crate::params::Params;
use crate::picture::{Picture, Tops};
use crate::point::Point;
use crate::records::Records;
use crate::reset::Reset;
use crate::stroke::Stroke;
use crate::stroke_source::StrokeSource;
use crate::structure::{LevelCenter, LevelKind, LevelPoint, LevelStroke, Segment};
use crate::tier::{Changed, Known, Tier};
use crate::trend::{TrendType, trend_types};

/// The structure of the bars of one era.
#[derive(Debug, Clone)]
pub(crate) struct Era {
    params: Params,
    source: StrokeSource,
    columns: Columns,
    /// Over strokes, and over segments.
    strokes: Tier,
    segments: Tier,
    records: Records,
    pub events: Vec<Event>,
}

impl Era {
    /// Returns the first era, which has read no bar.
    pub fn new(params: Params, history: bool) -> Self {
        let columns = Columns::new(params.upper.needs());
        let events = Vec::with_capacity(64);
        Self::starting_at(params, (0, None), columns, (history, events))
    }

    /// Returns the era after this one, and how to come back. The columns of the metrics, which are by bar, move there.
    pub fn next(&mut self) -> (Self, Carried) {
        let mut columns =
            std::mem::replace(&mut self.columns, Columns::new(self.params.upper.needs()));
        let carried = columns.restart();
        let start = (self.source.bar_count(), self.source.last_ts_ms());
        let (history, events) = (self.records.has_history(), std::mem::take(&mut self.events));
        (Self::starting_at(self.params, start, columns, (history, events)), carried)
    }

    /// Takes the columns back from the next era, which has read one bar.
    pub fn come_back(&mut self, next: Self, carried: Carried) {
        (self.columns, self.events) = (next.columns, next.events);
        self.columns.undo_restart(carried);
    }

    fn starting_at(
        params: Params,
        (bars, last_ts_ms): (usize, Option<i64>),
        columns: Columns,
        (history, events): (bool, Vec<Event>),
    ) -> Self {
        let upper = &params.upper;
        Self {
            params,
            source: StrokeSource::starting_at(&params, bars, last_ts_ms),
            columns,
            strokes: Tier::new(&params, upper.stroke_points),
            segments: Tier::new(&params, upper.segment_points),
            records: Records::new(history),
            events,
        }
    }

    /// Reads a bar that another of this era will follow at once: nothing is told about it.
    pub fn read(&mut self, bar: Bar) -> Result<(), ChanError> {
        self.source.read(bar)?;
        self.columns.push(bar.close, bar.volume, bar.amount);
        Ok(())
    }

    /// Reads the last bar of those that nothing is told about, and shows what all of them make.
    pub fn read_last(&mut self, bar: Bar) -> Result<(), ChanError> {
        self.source.push(bar)?;
        self.columns.push(bar.close, bar.volume, bar.amount);
        self.update(0);
        Ok(())
    }

    /// Checks what would be the next bar.
    pub fn check(&self, bar: &Bar) -> Result<(), ChanError> {
        self.source.check(bar)
    }

    /// Returns when the last bar opened.
    pub fn last_ts_ms(&self) -> Option<i64> {
        self.source.last_ts_ms()
    }

    /// Checks what would correct the last bar.
    pub fn check_replacement(&self, bar: &Bar) -> Result<(), ChanError> {
        self.source.check_replacement(bar)
    }

    /// Takes the last bar back. It was pushed, replaced or the last of a batch, and is not the first of all.
    pub fn take_bar_back(&mut self) {
        self.catch_up();
        self.source.take_bar_back();
        self.columns.take_bar_back();
        let last = self.source.bar_count();
        while self.strokes.elements.pop_if(|element| element.last_bar >= last).is_some() {}
        self.tell(Reading::Replace, None);
    }

    /// Reads a bar and returns what it changed.
    pub fn push(&mut self, bar: Bar) -> Result<&[Event], ChanError> {
        self.catch_up();
        self.source.push(bar)?;
        self.columns.push(bar.close, bar.volume, bar.amount);
        self.tell(Reading::Push, None);
        Ok(&self.events)
    }

    /// Reads a correction of the last bar and returns the differences.
    pub fn replace(&mut self, bar: Bar) -> Result<&[Event], ChanError> {
        self.catch_up();
        let overdue = self.overdue();
        self.source.replace(bar)?;
        self.columns.replace(bar.close, bar.volume, bar.amount);
        // What the metrics read of the last bar has changed, whether or not its prices did.
        let last = self.source.bar_count() - 1;
        while self.strokes.elements.pop_if(|element| element.last_bar >= last).is_some() {}
        self.tell(Reading::Replace, overdue);
        Ok(&self.events)
    }

    /// Returns the parameters.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Returns the strokes shown after the last bar, the provisional tail included.
    pub fn strokes(&self) -> impl Iterator<Item = Stroke> + '_ {
        (0..self.source.stroke_count()).filter_map(|index| self.source.stroke(index))
    }

    /// Returns how many strokes are shown.
    pub fn stroke_count(&self) -> usize {
        self.source.stroke_count()
    }

    /// Returns the strokes as elements.
    pub fn stroke_elements(&self) -> &[Element] {
        &self.strokes.elements
    }

    /// Returns the segments as elements.
    pub fn segment_elements(&self) -> &[Element] {
        &self.segments.elements
    }

    /// Returns the segments, as spans of strokes.
    pub fn segments(&self) -> &[SegmentSpan] {
        self.strokes.segments.segments()
    }

    /// Returns the super-segments, as spans of segments.
    pub fn super_segments(&self) -> &[SegmentSpan] {
        self.segments.segments.segments()
    }

    /// Returns the centers of a level.
    pub fn centers(&self, level: LevelKind) -> &[Center] {
        self.tier(level).centers()
    }

    /// Returns the points of a level.
    pub fn points(&self, level: LevelKind) -> &[Point] {
        self.tier(level).points.points()
    }

    /// Returns the centers of a level as they are shown; since when they are known is left open.
    pub fn level_centers(&self, level: LevelKind) -> impl Iterator<Item = LevelCenter> + '_ {
        let tier = self.tier(level);
        let of = move |c: &Center| LevelCenter::of(level, *c, &tier.elements, tier.open_from());
        tier.centers().iter().filter_map(of)
    }

    /// Returns the points of a level as they are shown, one per type; since when they are known is left open.
    pub fn level_points(&self, level: LevelKind) -> impl Iterator<Item = LevelPoint> + '_ {
        let typed = move |point: &'_ Point| {
            let point = *point;
            point.types.iter().map(move |kind| LevelPoint::of(level, &point, kind))
        };
        self.points(level).iter().flat_map(typed)
    }

    /// Returns the trend types of a level.
    pub fn trends(&self, level: LevelKind) -> Vec<TrendType> {
        self.trends_of(level, self.centers(level).len(), usize::MAX)
    }

    /// Returns since when everything shown is known, and with history what was withdrawn. After [`Engine::batch`] it
    /// is empty until the next bar, and then begins with that one.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// Returns everything shown, since when it is known included, and where a stroke was overdue.
    pub fn picture(&self) -> Picture {
        Picture {
            resets: self.source.resets().to_vec(),
            strokes: self.strokes().map(LevelStroke::of).collect(),
            of_strokes: self.tops(LevelKind::Stroke),
            of_segments: self.tops(LevelKind::Segment),
        }
    }

    fn tops(&self, level: LevelKind) -> Tops {
        if self.records.is_behind() {
            return Tops {
                segments: self.level_segments(level).collect(),
                centers: self.level_centers(level).collect(),
                points: self.level_points(level).collect(),
            };
        }
        Tops {
            segments: self.records.segments(level).to_vec(),
            centers: self.records.centers(level).to_vec(),
            points: self.records.points(level).to_vec(),
        }
    }

    /// Returns what was withdrawn, where that is kept.
    pub fn withdrawn(&self) -> Picture {
        let tops = |level| Tops {
            segments: self.records.void_segments(level).to_vec(),
            centers: self.records.void_centers(level).to_vec(),
            points: self.records.void_points(level).to_vec(),
        };
        Picture {
            resets: Vec::new(),
            strokes: self.records.void_strokes().to_vec(),
            of_strokes: tops(LevelKind::Stroke),
            of_segments: tops(LevelKind::Segment),
        }
    }

    /// Returns the trend types of the first `centers` centers of a level, whose first `elements` elements stay.
    pub fn trends_of(&self, level: LevelKind, centers: usize, elements: usize) -> Vec<TrendType> {
        let tier = self.tier(level);
        let centers = tier.centers().get(..centers).unwrap_or_default();
        let elements = tier.elements.get(..elements.min(tier.elements.len())).unwrap_or_default();
        trend_types(centers, elements, self.params.upper.trend_compare)
    }

    /// Returns the strokes as they are if no bar follows them for good: each ends at its last fractal.
    pub fn final_strokes(&self) -> impl Iterator<Item = Stroke> + '_ {
        self.source.final_strokes()
    }

    /// Returns where a stroke was overdue.
    pub fn resets(&self) -> &[Reset] {
        self.source.resets()
    }

    /// Returns the segments over the elements of a level as they are shown; since when they are known is left open.
    pub fn level_segments(&self, level: LevelKind) -> impl Iterator<Item = Segment> + '_ {
        let tier = self.tier(level);
        let spans = tier.segments.segments().iter().enumerate();
        spans.filter_map(move |(at, span)| Segment::of(level, at, span, &tier.elements))
    }

    /// Returns how many raw bars were read.
    pub fn bar_count(&self) -> usize {
        self.source.bar_count()
    }

    /// Returns how many merged bars they make.
    pub fn merged_count(&self) -> usize {
        self.source.merged_count()
    }

    fn tier(&self, level: LevelKind) -> &Tier {
        match level {
            LevelKind::Stroke => &self.strokes,
            LevelKind::Segment => &self.segments,
        }
    }

    /// Records what a batch has shown, so that the next bar is told as what it changes.
    pub fn catch_up(&mut self) {
        if self.records.is_behind() {
            self.records.catches_up();
            let all = Some(Changed { segment: 0, center: 0, point: 0 });
            let bar = self.source.bar_count().saturating_sub(1);
            let (strokes, segments) = (&self.strokes, &self.segments);
            self.records.strokes(
                0,
                self.source.stroke_count(),
                |at| self.source.stroke(at),
                bar,
                Reading::Push,
            );
            self.records.renew(LevelKind::Stroke, strokes, all, bar, Reading::Push, |_, _| ());
            self.records.renew(LevelKind::Segment, segments, all, bar, Reading::Push, |_, _| ());
        }
    }

    /// Returns the reset that the last bar brought, a stroke being overdue.
    fn overdue(&self) -> Option<Reset> {
        let last = self.source.resets().last().copied();
        last.filter(|reset| reset.bar + 1 == self.source.bar_count())
    }

    /// Writes down what the last bar changed; `overdue` is the reset that its old version had brought.
    fn tell(&mut self, reading: Reading, overdue: Option<Reset>) {
        let from = self.source.first_changed();
        let (strokes, segments) = self.update(from);
        let bar = self.source.bar_count() - 1;
        self.events.clear();
        if self.params.max_stroke_bars.is_some() {
            self.tell_overdue(overdue, bar);
        }
        let events = &mut self.events;
        let stroke = |event: &crate::event::StrokeEvent| Event {
            kind: event.kind,
            object: Object::Stroke(event.stroke),
            bar,
        };
        events.extend(self.source.events().iter().map(stroke));
        self.records.strokes(
            from,
            self.source.stroke_count(),
            |at| self.source.stroke(at),
            bar,
            reading,
        );
        let mut tell = |kind: EventKind, object: Object| events.push(Event { kind, object, bar });
        self.records.renew(LevelKind::Stroke, &self.strokes, strokes, bar, reading, &mut tell);
        self.records.renew(LevelKind::Segment, &self.segments, segments, bar, reading, &mut tell);
    }

    fn tell_overdue(&mut self, before: Option<Reset>, bar: usize) {
        let now = self.overdue();
        if before == now {
            return;
        }
        let told = [(EventKind::Void, before), (EventKind::New, now)];
        let told = told.into_iter().filter_map(|(kind, reset)| Some((kind, reset?)));
        self.events.extend(told.map(|(kind, reset)| Event {
            kind,
            object: Object::Reset(reset),
            bar,
        }));
    }

    /// Renews everything above the strokes from stroke number `from` on. Returns what changed on the two levels.
    fn update(&mut self, from: usize) -> (Option<Changed>, Option<Changed>) {
        let source = &self.source;
        let from = from.min(self.strokes.elements.len());
        let new = (from..source.stroke_count()).filter_map(|at| source.element(at));
        let finished = source.finished_count();
        let Some(changed) = self
            .strokes
            .renew(from, new)
            .or_else(|| (finished != self.strokes.finished()).then_some(source.stroke_count()))
        else {
            return (None, None);
        };
        let known = Known { settled: source.settled_count(), finished };
        let strokes = self.strokes.update(changed, known, &self.columns);

        let spans = self.strokes.segments.segments();
        let new = spans.get(strokes.segment..).unwrap_or_default().iter();
        let elements = &self.strokes.elements;
        let new = new.filter_map(|span| segment_element(span, elements, source));
        let Some(changed) = self.segments.renew(strokes.segment, new) else {
            return (Some(strokes), None);
        };
        let known = Known { settled: self.strokes.segments.settled_count(), finished: spans.len() };
        let segments = self.segments.update(changed, known, &self.columns);
        (Some(strokes), Some(segments))
    }
}

/// Returns a segment as the rules above segments see it.
fn segment_element(
    span: &SegmentSpan,
    elements: &[Element],
    source: &StrokeSource,
) -> Option<Element> {
    let (first, last) = (elements.get(span.start)?, elements.get(span.end)?);
    let (begin, end) = (source.stroke(span.start)?, source.stroke(span.end)?);
    let (low, high) = match span.direction {
        Direction::Up => {
            (begin.start_price.min(begin.start_far_price), end.end_price.max(end.end_far_price))
        }
        Direction::Down => {
            (end.end_price.min(end.end_far_price), begin.start_price.max(begin.start_far_price))
        }
    };
    let is_confirmed = span.is_confirmed();
    Some(Element {
        begin_bar: first.begin_bar,
        end_bar: last.end_bar,
        begin_ts_ms: first.begin_ts_ms,
        end_ts_ms: last.end_ts_ms,
        begin_price: first.begin_price,
        end_price: last.end_price,
        low,
        high,
        first_bar: first.first_bar,
        last_bar: last.last_bar,
        direction: span.direction,
        sure: is_confirmed,
        confirmed: is_confirmed,
    })
}
