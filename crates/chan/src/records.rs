//! Since when everything shown is known, and what was withdrawn.

use crate::event::{EventKind, Object};
use crate::ledger::{Ledger, Reading};
use crate::stroke::State;
use crate::stroke::Stroke;
use crate::structure::{LevelCenter, LevelKind, LevelPoint, LevelStroke, Life, Segment};
use crate::tier::{Changed, Tier};

/// The lists above the elements of one level.
#[derive(Debug, Clone)]
struct Lists {
    segments: Ledger<Segment>,
    centers: Ledger<LevelCenter>,
    points: Ledger<LevelPoint>,
}

impl Lists {
    fn new(history: bool) -> Self {
        Self {
            segments: Ledger::new(history),
            centers: Ledger::new(history),
            points: Ledger::new(history),
        }
    }
}

/// The records of an engine.
#[derive(Debug, Clone)]
pub struct Records {
    behind: bool,
    /// Of strokes only with history: they know themselves since when they are shown.
    strokes: Option<Ledger<LevelStroke>>,
    of_strokes: Lists,
    of_segments: Lists,
}

impl Records {
    pub(crate) fn new(history: bool) -> Self {
        let strokes = history.then(|| Ledger::new(true));
        let (of_strokes, of_segments) = (Lists::new(history), Lists::new(history));
        Self { behind: true, strokes, of_strokes, of_segments }
    }

    /// Returns the segments over the elements of a level, in order.
    #[must_use]
    pub fn segments(&self, level: LevelKind) -> &[Segment] {
        self.lists(level).segments.shown()
    }

    /// Returns the centers of a level, in order.
    #[must_use]
    pub fn centers(&self, level: LevelKind) -> &[LevelCenter] {
        self.lists(level).centers.shown()
    }

    /// Returns the points of a level, by element and type.
    #[must_use]
    pub fn points(&self, level: LevelKind) -> &[LevelPoint] {
        self.lists(level).points.shown()
    }

    /// Returns the strokes withdrawn, in the order in which they were. None without history.
    #[must_use]
    pub fn void_strokes(&self) -> &[LevelStroke] {
        self.strokes.as_ref().map_or(&[], Ledger::voided)
    }

    /// Returns the segments withdrawn. None without history.
    #[must_use]
    pub fn void_segments(&self, level: LevelKind) -> &[Segment] {
        self.lists(level).segments.voided()
    }

    /// Returns the centers withdrawn. None without history.
    #[must_use]
    pub fn void_centers(&self, level: LevelKind) -> &[LevelCenter] {
        self.lists(level).centers.voided()
    }

    /// Returns the points withdrawn. None without history.
    #[must_use]
    pub fn void_points(&self, level: LevelKind) -> &[LevelPoint] {
        self.lists(level).points.voided()
    }

    /// Whether a batch was read that is not yet recorded.
    pub(crate) fn is_behind(&self) -> bool {
        self.behind
    }

    /// Ends being behind.
    pub(crate) fn catches_up(&mut self) {
        self.behind = false;
    }

    /// Whether what was withdrawn is kept.
    pub(crate) fn has_history(&self) -> bool {
        self.strokes.is_some()
    }

    /// Records the strokes, those before `from` being as they were.
    pub(crate) fn strokes(
        &mut self,
        from: usize,
        count: usize,
        stroke: impl Fn(usize) -> Option<Stroke>,
        bar: usize,
        reading: Reading,
    ) {
        let Some(ledger) = &mut self.strokes else { return };
        let from = ledger.begin(from, reading);
        let lived = |stroke: Stroke| LevelStroke {
            stroke,
            life: Life::new(stroke.state == State::Confirmed),
        };
        ledger.renew((from..count).filter_map(stroke).map(lived), bar, |_, _| ());
    }

    /// Records what is over the elements of a level, `changed` being the first of each that may look otherwise.
    pub(crate) fn renew(
        &mut self,
        level: LevelKind,
        tier: &Tier,
        changed: Option<Changed>,
        bar: usize,
        reading: Reading,
        mut tell: impl FnMut(EventKind, Object),
    ) {
        let lists = match level {
            LevelKind::Stroke => &mut self.of_strokes,
            LevelKind::Segment => &mut self.of_segments,
        };
        if changed.is_none() && reading == Reading::Push {
            lists.segments.begin(usize::MAX, reading);
            lists.centers.begin(usize::MAX, reading);
            lists.points.begin(usize::MAX, reading);
            return;
        }
        let none = Changed { segment: usize::MAX, center: usize::MAX, point: usize::MAX };
        let changed = changed.unwrap_or(none);
        let elements = tier.elements.as_slice();

        let from = lists.segments.begin(changed.segment, reading);
        let spans = tier.segments.segments().iter().enumerate().skip(from);
        let new = spans.filter_map(|(at, span)| Segment::of(level, at, span, elements));
        lists.segments.renew(new, bar, |kind, segment| tell(kind, Object::Segment(segment)));

        let from = lists.centers.begin(changed.center, reading);
        let centers = tier.centers().iter().skip(from);
        let new = centers.filter_map(|c| LevelCenter::of(level, *c, elements, tier.open_from()));
        lists.centers.renew(new, bar, |kind, center| tell(kind, Object::Center(center)));

        // The list has one object per type: the kept ones are those up to the last kept element.
        let points = tier.points.points();
        let kept = changed.point.checked_sub(1).map(|last| points.get(last).map(|p| p.element));
        let typed = lists.points.shown();
        let from = match kept {
            None => 0,
            Some(None) => typed.len(),
            Some(Some(element)) => typed.partition_point(|point| point.element <= element),
        };
        let from = lists.points.begin(from, reading);
        let last = from.checked_sub(1).and_then(|last| lists.points.shown().get(last));
        let at = last.map_or(0, |last| points.partition_point(|p| p.element <= last.element));
        let new = points.iter().skip(at).flat_map(|point| {
            point.types.iter().map(move |kind| LevelPoint::of(level, point, kind))
        });
        lists.points.renew(new, bar, |kind, point| tell(kind, Object::Point(point)));
    }

    fn lists(&self, level: LevelKind) -> &Lists {
        match level {
            LevelKind::Stroke => &self.of_strokes,
            LevelKind::Segment => &self.of_segments,
        }
    }
}
