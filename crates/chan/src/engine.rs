//! The engine: one bar in, the changes out.

use crate::bar::Bar;
use crate::bases::Bases;
use crate::divergence_columns::Carried;
use crate::element::{Element, SegmentSpan};
use crate::era::Era;
use crate::error::ChanError;
use crate::event::Event;
use crate::params::Params;
use crate::past::{Past, PastSize};
use crate::point::Point;
use crate::point_types::PointTypes;
use crate::records::Records;
use crate::reset::{GapWatch, Reset, Stamp};
use crate::stroke::{State, Stroke};
use crate::structure::{LevelCenter, LevelKind, LevelPoint, LevelStroke, Segment};
use crate::trend::TrendType;

/// Chan structure of a growing series of bars. Work per bar is constant on average.
///
/// With `reset_gap_ms` a long time without a bar begins a new era: what was confirmed stays, the last stroke ends at
/// its last fractal and is confirmed, all else is withdrawn, and the bars after it start afresh under the next numbers.
/// Nothing spans two eras, and strokes alternate only within one.
#[derive(Debug, Clone)]
pub struct Engine {
    era: Era,
    past: Past,
    watch: Option<GapWatch>,
    /// The era that the last bar ended, so that the bar can be corrected.
    ended: Option<Box<Ended>>,
}

#[derive(Debug, Clone)]
struct Ended {
    era: Era,
    carried: Carried,
    past: PastSize,
}

impl Engine {
    /// Returns an engine that has read no bar.
    #[must_use]
    pub fn new(params: Params) -> Self {
        Self::with(params, false)
    }

    /// Returns an engine that has read no bar and keeps every object that is withdrawn.
    #[must_use]
    pub fn with_history(params: Params) -> Self {
        Self::with(params, true)
    }

    fn with(params: Params, history: bool) -> Self {
        let watch = params.reset_gap_ms.map(GapWatch::new);
        Self { era: Era::new(params, history), past: Past::default(), watch, ended: None }
    }

    /// Returns an engine that has read these bars. It shows what a push of each would show, and goes on like it; only
    /// since when objects are known it does not know.
    ///
    /// # Errors
    /// A bar is malformed or does not open after the one before it.
    pub fn batch(params: Params, bars: impl IntoIterator<Item = Bar>) -> Result<Self, ChanError> {
        if params.reset_gap_ms.is_some() {
            return Self::batch_of_eras(params, bars.into_iter().map(|bar| (bar, bar.ts_ms)));
        }
        Self::batch_of_one(params, bars)
    }

    /// Returns an engine that has read these bars, each with its open time by the market's clock: see
    /// [`push_at`](Self::push_at).
    ///
    /// # Errors
    /// As [`batch`](Self::batch), and the market's clock runs back.
    pub fn batch_at(
        params: Params,
        bars: impl IntoIterator<Item = (Bar, i64)>,
    ) -> Result<Self, ChanError> {
        if params.reset_gap_ms.is_some() {
            return Self::batch_of_eras(params, bars);
        }
        Self::batch_of_one(params, bars.into_iter().map(|(bar, _)| bar))
    }

    fn batch_of_one(
        params: Params,
        bars: impl IntoIterator<Item = Bar>,
    ) -> Result<Self, ChanError> {
        let mut engine = Self::new(params);
        let mut bars = bars.into_iter().peekable();
        while let Some(bar) = bars.next() {
            if bars.peek().is_none() {
                engine.era.read_last(bar)?;
            } else {
                engine.era.read(bar)?;
            }
        }
        Ok(engine)
    }

    fn batch_of_eras(
        params: Params,
        bars: impl IntoIterator<Item = (Bar, i64)>,
    ) -> Result<Self, ChanError> {
        let mut engine = Self::new(params);
        let Some(mut watch) = engine.watch else { return Ok(engine) };
        let stamp = |bar: &Bar, market_ms| Stamp { ts_ms: bar.ts_ms, market_ms };
        let mut bars = bars.into_iter().peekable();
        while let Some((bar, market_ms)) = bars.next() {
            let (number, now) = (engine.bar_count(), stamp(&bar, market_ms));
            if let Some(reset) = watch.at_next(number, now)? {
                engine.era.check(&bar)?;
                engine.end_era(reset);
            } else {
                engine.ended = None;
            }
            watch.advance(now);
            // A bar before a reset is the last of its era, as the last of all: it has to be shown what they make.
            let next = bars.peek().map(|(bar, at)| watch.at_next(number + 1, stamp(bar, *at)));
            if matches!(next, Some(Ok(None))) {
                engine.era.read(bar)?;
            } else {
                engine.era.read_last(bar)?;
            }
        }
        engine.watch = Some(watch);
        Ok(engine)
    }

    /// Reads a bar and returns what it changed: resets, strokes, then segments, centers and points of strokes, then
    /// those of segments; of each the void objects from the last to the first, then new and revised ones, then
    /// confirmed ones.
    ///
    /// # Errors
    /// The bar is malformed or does not open after the last one; the engine is then unchanged.
    pub fn push(&mut self, bar: Bar) -> Result<&[Event], ChanError> {
        self.push_at(bar, bar.ts_ms)
    }

    /// Reads a bar as [`push`](Self::push) does. `market_ms` is its open time by the market's own clock, which stands
    /// still while the market is closed: any count of milliseconds that never falls. `reset_gap_ms` alone reads it.
    ///
    /// # Errors
    /// As `push`, and the market's clock runs back.
    pub fn push_at(&mut self, bar: Bar, market_ms: i64) -> Result<&[Event], ChanError> {
        let Some(watch) = self.watch else { return self.era.push(bar) };
        let now = Stamp { ts_ms: bar.ts_ms, market_ms };
        if let Some(reset) = watch.at_next(self.bar_count(), now)? {
            self.era.check(&bar)?;
            self.begin_era(bar, reset)?;
        } else {
            self.era.push(bar)?;
            self.ended = None;
            self.number_events();
        }
        self.watch.iter_mut().for_each(|watch| watch.advance(now));
        Ok(&self.era.events)
    }

    /// Checks bars that are to follow the last one, without reading them: [`push`](Self::push) will take every one.
    ///
    /// # Errors
    /// A bar is malformed or does not open after the one before it.
    pub fn check(&self, bars: impl IntoIterator<Item = Bar>) -> Result<(), ChanError> {
        self.check_at(bars.into_iter().map(|bar| (bar, bar.ts_ms)))
    }

    /// Checks bars as [`check`](Self::check) does, each with its time by the market's clock: [`push_at`](Self::push_at)
    /// will take every one.
    ///
    /// # Errors
    /// As `check`, and the market's clock runs back.
    pub fn check_at(&self, bars: impl IntoIterator<Item = (Bar, i64)>) -> Result<(), ChanError> {
        let (mut previous_ts_ms, mut watch) = (self.era.last_ts_ms(), self.watch);
        for ((bar, market_ms), at) in bars.into_iter().zip(self.bar_count()..) {
            bar.check(at, previous_ts_ms)?;
            previous_ts_ms = Some(bar.ts_ms);
            if let Some(watch) = &mut watch {
                let now = Stamp { ts_ms: bar.ts_ms, market_ms };
                watch.at_next(at, now)?;
                watch.advance(now);
            }
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
        self.replace_at(bar, bar.ts_ms)
    }

    /// Reads a correction of the last bar as [`replace`](Self::replace) does, with its time by the market's clock.
    ///
    /// # Errors
    /// As `replace`, and the market's clock runs back.
    pub fn replace_at(&mut self, bar: Bar, market_ms: i64) -> Result<&[Event], ChanError> {
        let Some(watch) = self.watch else { return self.era.replace(bar) };
        let now = Stamp { ts_ms: bar.ts_ms, market_ms };
        let number = self.bar_count().saturating_sub(1);
        let reset = watch.at_last(number, now)?;
        if reset.is_none() && self.ended.is_none() {
            self.era.replace(bar)?;
            self.number_events();
        } else {
            self.era.check_replacement(&bar)?;
            self.replace_across(bar, number, reset)?;
        }
        self.watch.iter_mut().for_each(|watch| watch.correct(now));
        Ok(&self.era.events)
    }

    /// Replaces a bar that brought a reset, or brings one now.
    fn replace_across(
        &mut self,
        bar: Bar,
        number: usize,
        reset: Option<Reset>,
    ) -> Result<(), ChanError> {
        let from = self.ended.as_ref().map_or_else(|| self.past.size(), |ended| ended.past);
        let picture = |engine: &Self| {
            let mut picture = engine.past.kept.after(&from.kept);
            picture.append(engine.past.bases().picture(engine.era.picture()));
            picture
        };
        let before = picture(self);
        match self.ended.take() {
            Some(ended) => {
                let Ended { mut era, carried, past } = *ended;
                std::mem::swap(&mut self.era, &mut era);
                self.era.come_back(era, carried);
                self.past.truncate(&past);
            }
            None => self.era.take_bar_back(),
        }
        match reset {
            Some(reset) => self.begin_era(bar, reset)?,
            None => {
                self.era.push(bar)?;
            }
        }
        let now = picture(self);
        self.era.events.clear();
        before.tell(&now, number, &mut self.era.events);
        Ok(())
    }

    /// Ends the era before `bar`, which begins another, and writes down what that changes.
    fn begin_era(&mut self, bar: Bar, reset: Reset) -> Result<(), ChanError> {
        self.era.catch_up();
        let before = self.past.bases().picture(self.era.picture());
        let from = self.past.size();
        self.end_era(reset);
        // The first bar of an era shows nothing.
        self.era.push(bar)?;
        self.era.events.clear();
        before.tell(&self.past.kept.after(&from.kept), reset.bar, &mut self.era.events);
        Ok(())
    }

    /// Ends the era: takes what stays into the past and starts afresh.
    fn end_era(&mut self, reset: Reset) {
        let (size, bases) = (self.past.size(), self.past.bases());
        let shown = bases.picture(self.era.picture());
        let strokes = self.era.final_strokes().map(|stroke| bases.stroke(stroke));
        let mut kept = shown.sealed(strokes, reset.bar);
        kept.resets.push(reset);
        if self.era.records().has_history() {
            self.past.withdrawn.append(bases.picture(self.era.withdrawn()));
            self.past.withdrawn.append(shown.withdrawn(&kept, reset.bar));
        }
        for (level, elements) in [
            (LevelKind::Stroke, kept.strokes.len()),
            (LevelKind::Segment, kept.of_strokes.segments.len()),
        ] {
            let trends = self.era.trends_of(level, kept.tops(level).centers.len(), elements);
            let trends = trends.into_iter().map(|trend| bases.trend(level, trend));
            match level {
                LevelKind::Stroke => self.past.stroke_trends.extend(trends),
                LevelKind::Segment => self.past.segment_trends.extend(trends),
            }
        }
        self.past.merged += self.era.merged_count();
        self.past.kept.append(kept);
        let (next, carried) = self.era.next();
        let era = std::mem::replace(&mut self.era, next);
        self.ended = Some(Box::new(Ended { era, carried, past: size }));
    }
}

/// What is shown.
impl Engine {
    /// Returns the parameters.
    #[must_use]
    pub fn params(&self) -> &Params {
        self.era.params()
    }

    /// Returns the strokes shown after the last bar, the provisional tail included.
    pub fn strokes(&self) -> impl Iterator<Item = Stroke> + '_ {
        let bases = self.past.bases();
        let past = self.past.kept.strokes.iter().map(|known| known.stroke);
        past.chain(self.era.strokes().map(move |stroke| bases.stroke(stroke)))
    }

    /// Returns how many strokes are shown.
    #[must_use]
    pub fn stroke_count(&self) -> usize {
        self.past.kept.strokes.len() + self.era.stroke_count()
    }

    /// Returns the strokes as elements: those of this era, numbered within it.
    #[must_use]
    pub fn stroke_elements(&self) -> &[Element] {
        self.era.stroke_elements()
    }

    /// Returns the segments as elements: those of this era, numbered within it.
    #[must_use]
    pub fn segment_elements(&self) -> &[Element] {
        self.era.segment_elements()
    }

    /// Returns the segments, as spans of strokes: those of this era, numbered within it.
    #[must_use]
    pub fn segments(&self) -> &[SegmentSpan] {
        self.era.segments()
    }

    /// Returns the super-segments, as spans of segments: those of this era, numbered within it.
    #[must_use]
    pub fn super_segments(&self) -> &[SegmentSpan] {
        self.era.super_segments()
    }

    /// Returns the points of a level, the types at the end of one element joined.
    pub fn points(&self, level: LevelKind) -> impl Iterator<Item = Point> + '_ {
        let bases = self.past.bases();
        let past = self.past.kept.tops(level).points.chunk_by(|a, b| a.element == b.element);
        let era = self.era.points(level).iter().map(move |point| bases.point(level, *point));
        past.filter_map(joined).chain(era)
    }

    /// Returns the segments over the elements of a level; since when they are known is left open.
    pub fn level_segments(&self, level: LevelKind) -> impl Iterator<Item = Segment> + '_ {
        let bases = self.past.bases();
        let era = self.era.level_segments(level).map(move |segment| bases.segment(segment));
        self.past.kept.tops(level).segments.iter().copied().chain(era)
    }

    /// Returns the centers of a level as they are shown; since when they are known is left open.
    pub fn level_centers(&self, level: LevelKind) -> impl Iterator<Item = LevelCenter> + '_ {
        let bases = self.past.bases();
        let era = self.era.level_centers(level).map(move |center| bases.center(center));
        self.past.kept.tops(level).centers.iter().copied().chain(era)
    }

    /// Returns the points of a level as they are shown, one per type; since when they are known is left open.
    pub fn level_points(&self, level: LevelKind) -> impl Iterator<Item = LevelPoint> + '_ {
        let bases = self.past.bases();
        let era = self.era.level_points(level).map(move |point| bases.typed_point(point));
        self.past.kept.tops(level).points.iter().copied().chain(era)
    }

    /// Returns the trend types of a level.
    #[must_use]
    pub fn trends(&self, level: LevelKind) -> Vec<TrendType> {
        let bases = self.past.bases();
        let era = self.era.trends(level).into_iter().map(|trend| bases.trend(level, trend));
        self.past.trends(level).iter().copied().chain(era).collect()
    }

    /// Returns the resets, in order.
    pub fn resets(&self) -> impl Iterator<Item = Reset> + '_ {
        self.past.kept.resets.iter().chain(self.era.resets()).copied()
    }

    /// Returns since when everything shown of this era is known, numbered within it, and with history what was
    /// withdrawn of it. After [`Engine::batch`] it is empty until the next bar, and then begins with that one.
    #[must_use]
    pub fn records(&self) -> &Records {
        self.era.records()
    }

    /// Returns the segments over the elements of a level with since when they are known.
    pub fn known_segments(&self, level: LevelKind) -> impl Iterator<Item = Segment> + '_ {
        let bases = self.past.bases();
        let era = self.era.records().segments(level).iter().map(move |s| bases.segment(*s));
        self.past.kept.tops(level).segments.iter().copied().chain(era)
    }

    /// Returns the centers of a level with since when they are known.
    pub fn known_centers(&self, level: LevelKind) -> impl Iterator<Item = LevelCenter> + '_ {
        let bases = self.past.bases();
        let era = self.era.records().centers(level).iter().map(move |c| bases.center(*c));
        self.past.kept.tops(level).centers.iter().copied().chain(era)
    }

    /// Returns the points of a level, by element and type, with since when they are known.
    pub fn known_points(&self, level: LevelKind) -> impl Iterator<Item = LevelPoint> + '_ {
        let bases = self.past.bases();
        let era = self.era.records().points(level).iter().map(move |p| bases.typed_point(*p));
        self.past.kept.tops(level).points.iter().copied().chain(era)
    }

    /// Returns the strokes withdrawn, in the order in which they were. None without history.
    pub fn void_strokes(&self) -> impl Iterator<Item = LevelStroke> + '_ {
        let bases = self.past.bases();
        let numbered =
            move |known: &LevelStroke| LevelStroke { stroke: bases.stroke(known.stroke), ..*known };
        let era = self.era.records().void_strokes().iter().map(numbered);
        self.past.withdrawn.strokes.iter().copied().chain(era)
    }

    /// Returns the segments withdrawn. None without history.
    pub fn void_segments(&self, level: LevelKind) -> impl Iterator<Item = Segment> + '_ {
        let bases = self.past.bases();
        let era = self.era.records().void_segments(level).iter().map(move |s| bases.segment(*s));
        self.past.withdrawn.tops(level).segments.iter().copied().chain(era)
    }

    /// Returns the centers withdrawn. None without history.
    pub fn void_centers(&self, level: LevelKind) -> impl Iterator<Item = LevelCenter> + '_ {
        let bases = self.past.bases();
        let era = self.era.records().void_centers(level).iter().map(move |c| bases.center(*c));
        self.past.withdrawn.tops(level).centers.iter().copied().chain(era)
    }

    /// Returns the points withdrawn. None without history.
    pub fn void_points(&self, level: LevelKind) -> impl Iterator<Item = LevelPoint> + '_ {
        let bases = self.past.bases();
        let era = self.era.records().void_points(level).iter().map(move |p| bases.typed_point(*p));
        self.past.withdrawn.tops(level).points.iter().copied().chain(era)
    }

    /// Returns how many raw bars were read.
    #[must_use]
    pub fn bar_count(&self) -> usize {
        self.era.bar_count()
    }

    /// Returns how many merged bars they make.
    #[must_use]
    pub fn merged_count(&self) -> usize {
        self.past.merged + self.era.merged_count()
    }

    /// Numbers the objects of the events over all eras.
    fn number_events(&mut self) {
        let bases = self.past.bases();
        if bases != Bases::default() {
            for event in &mut self.era.events {
                event.object = bases.object(event.object);
            }
        }
    }
}

/// Returns the types at the end of one element as one point.
fn joined(types: &[LevelPoint]) -> Option<Point> {
    let first = types.first()?;
    let of = |all: PointTypes, point: &LevelPoint| all.with(point.kind);
    let confirmed = types.iter().filter(|point| point.life.state == State::Confirmed);
    Some(Point {
        element: first.element,
        bar: first.bar,
        ts_ms: first.ts_ms,
        price: first.price,
        side: first.side,
        types: types.iter().fold(PointTypes::NONE, of),
        confirmed: confirmed.fold(PointTypes::NONE, of),
        divergence: types.iter().find_map(|point| point.divergence),
    })
}
