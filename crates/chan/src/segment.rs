//! Segments (线段): elements joined until the feature sequence against them turns.
//!
//! Elements that will never change are walked over once, as far as no answer hangs on what is still unknown; the few
//! after them are walked over again at each change. Nothing recurses: a fractal after a gap (the second case, 第二种
//! 情况) waits for the one after it, and that one is sought exactly as the end of the next segment would be. So the
//! fractals wait in a row, and the first one without a gap decides them all.

use crate::element::{Element, SegmentSpan};
use crate::feature_sequence::{Outcome, Search, View};
use crate::inclusion::Direction;
use crate::left_over::{self, Extremes};
use crate::params::Params;
use crate::stroke::State;

/// The last element that may stay unsure for ever: the segments a first one splits into are never confirmed.
const LAST_UNSURE: usize = 2;

/// Where the walk over the elements stands.
#[derive(Debug, Clone, Copy)]
struct Walk {
    /// The next element.
    next: usize,
    /// The searches for an up and a down segment.
    up: Search,
    down: Search,
    /// The direction not sought: that of the segment before. Open for the very first.
    last: Option<Direction>,
    /// The first waiting fractal, among all noted.
    waiting_from: usize,
}

impl Walk {
    /// A walk from element number `next`, after a segment of this direction.
    fn after(next: usize, last: Option<Direction>, waiting_from: usize) -> Self {
        let (up, down) = (Search::new(Direction::Up), Search::new(Direction::Down));
        Self { next, up, down, last, waiting_from }
    }

    fn search(&mut self, direction: Direction) -> &mut Search {
        match direction {
            Direction::Up => &mut self.up,
            Direction::Down => &mut self.down,
        }
    }

    /// Keeps to the direction whose search has its second feature first, and leaves it when that is lost.
    fn settle_direction(&mut self, fed: Direction) {
        let sought = fed.opposite();
        if self.search(sought).has_second() {
            self.last = Some(fed);
            *self.search(fed) = Search::new(fed);
        } else if self.last == Some(fed) {
            self.last = None;
        }
    }
}

/// The segments over a growing list of elements.
#[derive(Debug, Clone)]
pub struct SegmentMachine {
    params: Params,
    walk: Walk,
    /// The fractals noted; those from `walk.waiting_from` on wait for the one that decides them.
    waiting: Vec<Search>,
    extremes: Extremes,
    spans: Vec<SegmentSpan>,
    /// How many of `spans` will never change.
    settled: usize,
    /// The spans after them as they were before the last update.
    before: Vec<SegmentSpan>,
    /// How many of `waiting` the settled walk noted and the open one has not taken back.
    kept: usize,
    /// Those it has taken back, the last one first.
    taken_back: Vec<Search>,
    /// Where a first segment with this end splits, once that will never change.
    split: Option<(usize, Option<usize>)>,
}

impl SegmentMachine {
    /// Returns a machine that has seen no element.
    #[must_use]
    pub fn new(params: &Params) -> Self {
        Self {
            params: *params,
            walk: Walk::after(0, None, 0),
            waiting: Vec::new(),
            extremes: Extremes::new(),
            spans: Vec::new(),
            settled: 0,
            before: Vec::new(),
            kept: 0,
            taken_back: Vec::new(),
            split: None,
        }
    }

    /// Returns the segments over the elements of the last update.
    #[must_use]
    pub fn segments(&self) -> &[SegmentSpan] {
        &self.spans
    }

    /// Returns how many segments, from the first, will never change.
    #[must_use]
    pub fn settled_count(&self) -> usize {
        self.settled
    }

    /// Reads the elements as they are now and returns the index of the first segment that may differ from before.
    ///
    /// The first `settled` elements must be as they are in every later update, and no fewer than in the last. The
    /// first `same` elements must be as they were in the last.
    pub fn update(&mut self, elements: &[Element], settled: usize, same: usize) -> usize {
        let from = self.settled;
        self.before.clear();
        self.before.extend(self.spans.drain(from..));
        self.settle(elements, settled);
        self.settled = self.spans.len();
        self.walk_open_end(elements, settled);
        let method = self.params.left_seg_method;
        left_over::collect(&mut self.spans, elements, &self.extremes, method);
        let pairs = self.spans.iter().skip(from).zip(&self.before);
        from + pairs.take_while(|(new, old)| new == old && new.end < same).count()
    }

    /// Walks over the elements that may still change, adds the segments met and returns to where it was.
    fn walk_open_end(&mut self, elements: &[Element], settled: usize) {
        let walk = self.walk;
        self.kept = self.waiting.len();
        self.advance(View { elements, open_ended: false }, settled);
        self.show_waiting(elements, settled);
        self.walk = walk;
        self.waiting.truncate(self.kept);
        self.waiting.extend(self.taken_back.drain(..).rev());
        self.kept = 0;
    }

    /// Walks over the elements that will never change.
    fn settle(&mut self, elements: &[Element], settled: usize) {
        self.extremes.settle(elements, settled);
        let elements = elements.get(..settled).unwrap_or_default();
        self.advance(View { elements, open_ended: true }, settled);
        let waiting_from = std::mem::take(&mut self.walk.waiting_from);
        self.waiting.drain(..waiting_from);
    }

    /// Walks on to the end of the elements or to a fractal that stays open, and adds the segments met.
    fn advance(&mut self, view: View<'_>, settled: usize) {
        while let Some(element) = view.elements.get(self.walk.next) {
            let before = self.walk;
            let sought = element.direction.opposite();
            let mut read = (sought, self.read(sought, view));
            // What decides all that waits cancels none of it.
            if !self.decides(read)
                && let Some(frame) = self.cancelled_by(element, view)
            {
                read = self.cancel(frame, view);
            }
            match read {
                (_, Outcome::Unknown) => {
                    self.walk = before;
                    return;
                }
                (sought, Outcome::Open) if self.is_opening() => {
                    self.walk.settle_direction(sought.opposite());
                }
                (_, Outcome::Open) => {}
                (sought, Outcome::Fractal) if self.note(sought) => self.decide(view, settled),
                (_, Outcome::Fractal) if self.waiting.last().is_some_and(|last| last.pending) => {
                    return;
                }
                (_, Outcome::Fractal) => {}
            }
        }
    }

    /// Whether a search has just found a fractal that waits for nothing, or cannot tell yet.
    fn decides(&mut self, (sought, outcome): (Direction, Outcome)) -> bool {
        match outcome {
            Outcome::Open => false,
            Outcome::Fractal => {
                let search = self.walk.search(sought);
                !search.pending && !search.has_gap()
            }
            Outcome::Unknown => true,
        }
    }

    /// Whether neither a segment nor a fractal has fixed the direction sought.
    fn is_opening(&self) -> bool {
        self.spans.is_empty() && self.walk.waiting_from == self.waiting.len()
    }

    /// Feeds the next element to the search for a segment of direction `sought`, if that is open.
    fn read(&mut self, sought: Direction, view: View<'_>) -> Outcome {
        let at = self.walk.next;
        self.walk.next += 1;
        if self.walk.last == Some(sought) {
            return Outcome::Open;
        }
        self.walk.search(sought).feed(at, view)
    }

    /// Returns the first waiting fractal that `element` ends beyond, where that cancels it.
    fn cancelled_by(&self, element: &Element, view: View<'_>) -> Option<usize> {
        if !self.params.seg_gap_cancel {
            return None;
        }
        let is_beyond = |search: &Search| {
            let end = search.end().and_then(|end| view.elements.get(end));
            end.is_some_and(|end| match search.direction {
                _ if search.direction != element.direction => false,
                Direction::Up => element.high > end.high,
                Direction::Down => element.low < end.low,
            })
        };
        // A fractal lies within the ones that wait before it: what passes the last two passes all.
        let open = self.waiting.get(self.walk.waiting_from..).unwrap_or_default();
        let mut first = None;
        for (at, search) in open.iter().enumerate().rev() {
            if is_beyond(search) {
                first = Some(self.walk.waiting_from + at);
            } else if at + 2 < first.map_or(open.len(), |first| first - self.walk.waiting_from) {
                break;
            }
        }
        first
    }

    /// Takes a waiting fractal back and goes on with its search.
    fn cancel(&mut self, frame: usize, view: View<'_>) -> (Direction, Outcome) {
        let Some(mut search) = self.waiting.get(frame).copied() else {
            return (Direction::Up, Outcome::Unknown);
        };
        let (direction, next) = (search.direction, search.last + 1);
        let outcome = search.reset(view);
        if outcome != Outcome::Unknown {
            if frame < self.kept {
                self.taken_back.extend(self.waiting.drain(frame..self.kept).rev());
                self.kept = frame;
            }
            self.waiting.truncate(frame);
            self.walk = Walk::after(next, Some(direction.opposite()), self.walk.waiting_from);
            *self.walk.search(direction) = search;
        }
        (direction, outcome)
    }

    /// Notes the fractal just found and turns to the next segment. Returns whether it decides.
    fn note(&mut self, direction: Direction) -> bool {
        let search = *self.walk.search(direction);
        let Some(end) = search.end() else { return false };
        self.waiting.push(search);
        self.walk = Walk::after(end + 1, Some(direction), self.walk.waiting_from);
        !search.pending && !search.has_gap()
    }

    /// Adds the segments of all waiting fractals: the last one has decided them.
    fn decide(&mut self, view: View<'_>, settled: usize) {
        let from = self.walk.waiting_from;
        let mut latest = 0;
        for search in self.waiting.iter_mut().skip(from).rev() {
            latest = latest.max(search.last).max(search.evidence);
            search.latest = latest;
        }
        self.walk.waiting_from = self.waiting.len();
        for at in from..self.waiting.len() {
            let Some(search) = self.waiting.get(at).copied() else { return };
            let Some(end) = search.end() else { return };
            let is_sure = is_sure(&search, view.elements, settled);
            if self.spans.is_empty() && self.split_first(end, view.elements, settled) {
                continue;
            }
            let start = self.spans.last().map_or(0, |last| last.end + 1);
            let is_confirmed = is_sure && end >= start + 2;
            if self.spans.is_empty() && is_confirmed && !runs(view.elements, end, search.direction)
            {
                self.walk = Walk::after(end + 1, None, self.waiting.len());
                return;
            }
            let state = if is_confirmed { State::Confirmed } else { State::Provisional };
            self.spans.push(SegmentSpan { start, end, direction: search.direction, state });
        }
    }

    /// Adds the segment of the first waiting fractal, which is not decided.
    fn show_waiting(&mut self, elements: &[Element], settled: usize) {
        let Some(search) = self.waiting.get(self.walk.waiting_from).copied() else { return };
        let Some(end) = search.end() else { return };
        if self.spans.is_empty() && self.split_first(end, elements, settled) {
            return;
        }
        let start = self.spans.last().map_or(0, |last| last.end + 1);
        let state = State::Provisional;
        self.spans.push(SegmentSpan { start, end, direction: search.direction, state });
    }

    /// Adds two provisional segments in the place of the first one, up to `end`, if a stronger extreme lies inside.
    /// Returns whether.
    fn split_first(&mut self, end: usize, elements: &[Element], settled: usize) -> bool {
        let Some(from) = end.checked_sub(3) else { return false };
        let at = match self.split {
            Some((known, at)) if known == end => at,
            _ => find_split(elements, end),
        };
        self.split = (from < settled).then_some((end, at));
        let Some(at) = at else { return false };
        for end in [at, end] {
            left_over::add(&mut self.spans, elements, end);
        }
        true
    }
}

/// Returns where a first segment that ends at `end` splits.
fn find_split(elements: &[Element], end: usize) -> Option<usize> {
    let (first, last) = (elements.first()?, elements.get(end)?);
    let direction = last.direction.opposite();
    let at = left_over::extreme_backward(elements, direction, end.checked_sub(3)?)?;
    let extreme = elements.get(at)?;
    let is_beyond = match direction {
        Direction::Up => extreme.high > first.high,
        Direction::Down => extreme.low < first.low,
    };
    (at == 0 || is_beyond).then_some(at)
}

/// Whether everything the fractal was read from is sure. Only the newest elements and the first ones may be unsure.
///
/// With `bi_allow_sub_peak=false` a sure stroke may still be dropped, and with it a segment that is confirmed by it:
/// the recorded results of the source engine have it so.
fn is_sure(search: &Search, elements: &[Element], settled: usize) -> bool {
    let is_sure = |at: usize| elements.get(at).is_some_and(|element| element.sure);
    let (first, last) = (search.first, search.last);
    let newest = if first < settled { settled - (settled - first) % 2 } else { first };
    let mut oldest = (first..=last.min(LAST_UNSURE)).step_by(2);
    oldest.all(is_sure) && (newest..=last).step_by(2).all(is_sure) && is_sure(search.latest)
}

/// Whether the prices from the first element to `end` run in this direction.
fn runs(elements: &[Element], end: usize, direction: Direction) -> bool {
    let (Some(first), Some(last)) = (elements.first(), elements.get(end)) else { return false };
    match direction {
        Direction::Up => first.begin_price <= last.end_price,
        Direction::Down => first.begin_price >= last.end_price,
    }
}
