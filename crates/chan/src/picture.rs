//! Everything that is shown at one moment, and how two moments differ. Used where an era ends; bar by bar `ledger`
//! knows what changed without looking at everything.

use crate::event::{Event, EventKind, Object};
use crate::ledger::{differences, gone, void};
use crate::reset::Reset;
use crate::stroke::{State, Stroke};
use crate::structure::{LevelCenter, LevelKind, LevelPoint, LevelStroke, Life, Segment};

/// The lists above the elements of one level.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tops {
    pub segments: Vec<Segment>,
    pub centers: Vec<LevelCenter>,
    pub points: Vec<LevelPoint>,
}

/// All lists, numbered over all eras.
#[derive(Debug, Clone, Default)]
pub(crate) struct Picture {
    pub resets: Vec<Reset>,
    pub strokes: Vec<LevelStroke>,
    pub of_strokes: Tops,
    pub of_segments: Tops,
}

/// How long the lists of a picture are.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Size {
    resets: usize,
    strokes: usize,
    of_strokes: [usize; 3],
    of_segments: [usize; 3],
}

impl Tops {
    fn size(&self) -> [usize; 3] {
        [self.segments.len(), self.centers.len(), self.points.len()]
    }

    fn truncate(&mut self, [segments, centers, points]: [usize; 3]) {
        self.segments.truncate(segments);
        self.centers.truncate(centers);
        self.points.truncate(points);
    }

    fn append(&mut self, other: Self) {
        self.segments.extend(other.segments);
        self.centers.extend(other.centers);
        self.points.extend(other.points);
    }

    fn after(&self, [segments, centers, points]: [usize; 3]) -> Self {
        Self {
            segments: tail(&self.segments, segments),
            centers: tail(&self.centers, centers),
            points: tail(&self.points, points),
        }
    }

    /// Returns what stays for good when the era ends with bar number `bar` before it.
    ///
    /// A segment before a confirmed one is a number that others count on: it stays, and is confirmed.
    fn sealed(&self, bar: usize) -> Self {
        let is_confirmed = |life: &Life| life.state == State::Confirmed;
        let last = self.segments.iter().rposition(|segment| is_confirmed(&segment.life));
        let kept = self.segments.iter().take(last.map_or(0, |last| last + 1));
        let segments = kept.map(|segment| {
            let life = Life {
                state: State::Confirmed,
                confirmed_bar: segment.life.confirmed_bar.or(Some(bar)),
                ..segment.life
            };
            Segment {
                life: if is_confirmed(&segment.life) { segment.life } else { life },
                ..*segment
            }
        });
        let centers = self.centers.iter().filter(|center| is_confirmed(&center.life));
        let points = self.points.iter().filter(|point| is_confirmed(&point.life));
        Self {
            segments: segments.collect(),
            centers: centers.copied().collect(),
            points: points.copied().collect(),
        }
    }

    /// Returns what is shown here and not in `now`, as withdrawn after bar number `bar`.
    fn withdrawn(&self, now: &Self, bar: usize) -> Self {
        Self {
            segments: gone(&self.segments, &now.segments).map(|o| void(*o, bar)).collect(),
            centers: gone(&self.centers, &now.centers).map(|o| void(*o, bar)).collect(),
            points: gone(&self.points, &now.points).map(|o| void(*o, bar)).collect(),
        }
    }

    fn tell(&self, now: &Self, bar: usize, tell: &mut impl FnMut(EventKind, Object)) {
        differences(&self.segments, &now.segments, bar, |k, o| tell(k, Object::Segment(o)));
        differences(&self.centers, &now.centers, bar, |k, o| tell(k, Object::Center(o)));
        differences(&self.points, &now.points, bar, |k, o| tell(k, Object::Point(o)));
    }
}

impl Picture {
    pub fn tops(&self, level: LevelKind) -> &Tops {
        match level {
            LevelKind::Stroke => &self.of_strokes,
            LevelKind::Segment => &self.of_segments,
        }
    }

    pub fn size(&self) -> Size {
        Size {
            resets: self.resets.len(),
            strokes: self.strokes.len(),
            of_strokes: self.of_strokes.size(),
            of_segments: self.of_segments.size(),
        }
    }

    pub fn truncate(&mut self, size: &Size) {
        self.resets.truncate(size.resets);
        self.strokes.truncate(size.strokes);
        self.of_strokes.truncate(size.of_strokes);
        self.of_segments.truncate(size.of_segments);
    }

    pub fn append(&mut self, other: Self) {
        self.resets.extend(other.resets);
        self.strokes.extend(other.strokes);
        self.of_strokes.append(other.of_strokes);
        self.of_segments.append(other.of_segments);
    }

    /// Returns what was appended since it was of this size.
    pub fn after(&self, size: &Size) -> Self {
        Self {
            resets: tail(&self.resets, size.resets),
            strokes: tail(&self.strokes, size.strokes),
            of_strokes: self.of_strokes.after(size.of_strokes),
            of_segments: self.of_segments.after(size.of_segments),
        }
    }

    /// Returns what stays for good of an era that shows this when bar number `bar` ends it: what is confirmed, and the
    /// strokes as they end at their last fractals.
    pub fn sealed(&self, strokes: impl Iterator<Item = Stroke>, bar: usize) -> Self {
        let sealed = |stroke: Stroke| {
            let confirmed_bar = stroke.confirmed_bar.or(Some(bar));
            LevelStroke::of(Stroke { state: State::Confirmed, confirmed_bar, ..stroke })
        };
        Self {
            resets: self.resets.clone(),
            strokes: strokes.map(sealed).collect(),
            of_strokes: self.of_strokes.sealed(bar),
            of_segments: self.of_segments.sealed(bar),
        }
    }

    /// Returns what is shown here and not in `now`, as withdrawn after bar number `bar`.
    pub fn withdrawn(&self, now: &Self, bar: usize) -> Self {
        Self {
            resets: Vec::new(),
            strokes: gone(&self.strokes, &now.strokes).map(|o| void(*o, bar)).collect(),
            of_strokes: self.of_strokes.withdrawn(&now.of_strokes, bar),
            of_segments: self.of_segments.withdrawn(&now.of_segments, bar),
        }
    }

    /// Writes down what is different `now`, after bar number `bar`, in the order of [`crate::Engine::push`].
    pub fn tell(&self, now: &Self, bar: usize, events: &mut Vec<Event>) {
        let mut tell = |kind: EventKind, object: Object| events.push(Event { kind, object, bar });
        for reset in self.resets.iter().filter(|reset| !now.resets.contains(reset)) {
            tell(EventKind::Void, Object::Reset(*reset));
        }
        for reset in now.resets.iter().filter(|reset| !self.resets.contains(reset)) {
            tell(EventKind::New, Object::Reset(*reset));
        }
        differences(&self.strokes, &now.strokes, bar, |kind, LevelStroke { stroke, .. }| {
            let state = if kind == EventKind::Void { State::Void } else { stroke.state };
            tell(kind, Object::Stroke(Stroke { state, ..stroke }));
        });
        self.of_strokes.tell(&now.of_strokes, bar, &mut tell);
        self.of_segments.tell(&now.of_segments, bar, &mut tell);
    }
}

fn tail<T: Copy>(list: &[T], from: usize) -> Vec<T> {
    list.get(from..).unwrap_or_default().to_vec()
}
