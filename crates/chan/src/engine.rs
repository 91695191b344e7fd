//! The engine: one bar in, the changes out.

use crate::bar::Bar;
use crate::center::Center;
use crate::divergence_columns::Columns;
use crate::element::{Element, SegmentSpan};
use crate::error::ChanError;
use crate::event::{Event, EventKind, Object};
use crate::inclusion::Direction;
use crate::ledger::Reading;
use crate::params::Params;
use crate::point::Point;
use crate::records::Records;
use crate::stroke::Stroke;
use crate::stroke_source::StrokeSource;
use crate::structure::{LevelCenter, LevelKind, LevelPoint};
use crate::tier::{Changed, Known, Tier};
use crate::trend::{TrendType, trend_types};

/// Chan structure of a growing series of bars. Work per bar is constant on average.
#[derive(Debug, Clone)]
pub struct Engine {
    params: Params,
    source: StrokeSource,
    columns: Columns,
    /// Over strokes, and over segments.
    strokes: Tier,
    segments: Tier,
    records: Records,
    events: Vec<Event>,
}

impl Engine {
    /// Returns an engine that has read no bar.
    #[must_use]
    pub fn new(params: Params) -> Self {
        Self::with_records(params, Records::new(false))
    }

    /// Returns an engine that has read no bar and keeps every object that is withdrawn: see
    /// [`records`](Self::records).
    #[must_use]
    pub fn with_history(params: Params) -> Self {
        Self::with_records(params, Records::new(true))
    }

    fn with_records(params: Params, records: Records) -> Self {
        let upper = &params.upper;
        Self {
            params,
            source: StrokeSource::new(&params),
            columns: Columns::new(upper.needs()),
            strokes: Tier::new(&params, upper.stroke_points),
            segments: Tier::new(&params, upper.segment_points),
            records,
            events: Vec::with_capacity(64),
        }
    }

    /// Returns an engine that has read these bars. It shows what a push of each would show, and goes on like it; only
    /// since when objects are known it does not know.
    ///
    /// # Errors
    /// A bar is malformed or does not open after the one before it.
    pub fn batch(params: Params, bars: impl IntoIterator<Item = Bar>) -> Result<Self, ChanError> {
        let mut engine = Self::new(params);
        let mut bars = bars.into_iter().peekable();
        while let Some(bar) = bars.next() {
            if bars.peek().is_none() {
                engine.source.push(bar)?;
            } else {
                engine.source.read(bar)?;
            }
            engine.columns.push(bar.close, bar.volume, bar.amount);
        }
        engine.update(0);
        Ok(engine)
    }

    /// Reads a bar and returns what it changed: strokes, then segments, centers and points of strokes, then those of
    /// segments; of each the void objects from the last to the first, then new and revised ones, then confirmed ones.
    ///
    /// # Errors
    /// The bar is malformed or does not open after the last one; the engine is then unchanged.
    pub fn push(&mut self, bar: Bar) -> Result<&[Event], ChanError> {
        self.catch_up();
        self.source.push(bar)?;
        self.columns.push(bar.close, bar.volume, bar.amount);
        self.tell(Reading::Push);
        Ok(&self.events)
    }

    /// Checks bars that are to follow the last one, without reading them: [`push`](Self::push) will take every one.
    ///
    /// # Errors
    /// A bar is malformed or does not open after the one before it.
    pub fn check(&self, bars: impl IntoIterator<Item = Bar>) -> Result<(), ChanError> {
        let mut previous_ts_ms = self.source.last_ts_ms();
        for (bar, at) in bars.into_iter().zip(self.bar_count()..) {
            bar.check(at, previous_ts_ms)?;
            previous_ts_ms = Some(bar.ts_ms);
        }
        Ok(())
    }

    /// Reads a correction of the last bar; the engine is then as if the old version had never been pushed.
    ///
    /// The events are the differences from what was shown after the old version.
    ///
    /// # Errors
    /// There is no bar, or the new version is malformed or does not open after the bar before; the engine is then
    /// unchanged.
    pub fn replace(&mut self, bar: Bar) -> Result<&[Event], ChanError> {
        self.catch_up();
        self.source.replace(bar)?;
        self.columns.replace(bar.close, bar.volume, bar.amount);
        // What the metrics read of the last bar has changed, whether or not its prices did.
        let last = self.source.bar_count() - 1;
        while self.strokes.elements.pop_if(|element| element.last_bar >= last).is_some() {}
        self.tell(Reading::Replace);
        Ok(&self.events)
    }

    /// Returns the parameters.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Returns the strokes shown after the last bar, the provisional tail included.
    pub fn strokes(&self) -> impl Iterator<Item = Stroke> + '_ {
        (0..self.source.stroke_count()).filter_map(|index| self.source.stroke(index))
    }

    /// Returns how many strokes are shown.
    #[must_use]
    pub fn stroke_count(&self) -> usize {
        self.source.stroke_count()
    }

    /// Returns the strokes as elements.
    #[must_use]
    pub fn stroke_elements(&self) -> &[Element] {
        &self.strokes.elements
    }

    /// Returns the segments as elements.
    #[must_use]
    pub fn segment_elements(&self) -> &[Element] {
        &self.segments.elements
    }

    /// Returns the segments, as spans of strokes.
    #[must_use]
    pub fn segments(&self) -> &[SegmentSpan] {
        self.strokes.segments.segments()
    }

    /// Returns the super-segments, as spans of segments.
    #[must_use]
    pub fn super_segments(&self) -> &[SegmentSpan] {
        self.segments.segments.segments()
    }

    /// Returns the centers of a level.
    #[must_use]
    pub fn centers(&self, level: LevelKind) -> &[Center] {
        self.tier(level).centers()
    }

    /// Returns the first element of a level whose center, if one begins there or later, may still change.
    #[must_use]
    pub fn centers_open_from(&self, level: LevelKind) -> usize {
        self.tier(level).open_from()
    }

    /// Returns the points of a level.
    #[must_use]
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
    #[must_use]
    pub fn trends(&self, level: LevelKind) -> Vec<TrendType> {
        let tier = self.tier(level);
        trend_types(tier.centers(), &tier.elements, self.params.upper.trend_compare)
    }

    /// Returns since when everything shown is known, and with history what was withdrawn. After [`Engine::batch`] it
    /// is empty until the next bar, and then begins with that one.
    #[must_use]
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// Returns how many raw bars were read.
    #[must_use]
    pub fn bar_count(&self) -> usize {
        self.source.bar_count()
    }

    /// Returns how many merged bars they make.
    #[must_use]
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
    fn catch_up(&mut self) {
        if self.records.is_behind() {
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

    fn tell(&mut self, reading: Reading) {
        let from = self.source.first_changed();
        let (strokes, segments) = self.update(from);
        let bar = self.source.bar_count() - 1;
        self.events.clear();
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
