//! Where the elements after the last end found lead: the extremes among them, and the provisional segments to these.

use crate::element::{Element, SegmentSpan};
use crate::inclusion::Direction;
use crate::params::LeftOverMethod;
use crate::stroke::State;

/// The extremes among all elements up to the last one.
///
/// An element counts if the one two before it does not end beyond it. Of the settled elements only those are kept
/// that no later one reaches: the greatest of any rest is then the first kept one in it.
#[derive(Debug, Clone)]
pub(crate) struct Extremes {
    settled: usize,
    tops: Vec<usize>,
    bottoms: Vec<usize>,
    high: f64,
    low: f64,
}

impl Extremes {
    pub fn new() -> Self {
        let (tops, bottoms) = (Vec::new(), Vec::new());
        Self { settled: 0, tops, bottoms, high: f64::NEG_INFINITY, low: f64::INFINITY }
    }

    /// Takes in the elements before `settled`, which will never change.
    pub fn settle(&mut self, elements: &[Element], settled: usize) {
        for at in self.settled..settled {
            let Some(element) = elements.get(at) else { return };
            self.high = self.high.max(element.high);
            self.low = self.low.min(element.low);
            self.settled = at + 1;
            if !counts(elements, at) {
                continue;
            }
            let kept = match element.direction {
                Direction::Up => &mut self.tops,
                Direction::Down => &mut self.bottoms,
            };
            while kept
                .last()
                .and_then(|&last| elements.get(last))
                .is_some_and(|last| reaches(element, last))
            {
                kept.pop();
            }
            kept.push(at);
        }
    }

    /// Returns the most extreme element of this direction from `from` on, the later of equal ones.
    pub fn extreme(
        &self,
        elements: &[Element],
        direction: Direction,
        from: usize,
    ) -> Option<usize> {
        let kept = match direction {
            Direction::Up => &self.tops,
            Direction::Down => &self.bottoms,
        };
        let mut best = kept.get(kept.partition_point(|&at| at < from)).copied();
        for at in self.settled.max(from)..elements.len() {
            let element = elements.get(at)?;
            let best_so_far = best.and_then(|best| elements.get(best));
            if element.direction == direction
                && best_so_far.is_none_or(|best| reaches(element, best))
                && counts(elements, at)
            {
                best = Some(at);
            }
        }
        best
    }

    /// Returns the highest high and the lowest low of all elements.
    fn range(&self, elements: &[Element]) -> (f64, f64) {
        let rest = elements.get(self.settled..).unwrap_or_default();
        rest.iter().fold((self.high, self.low), |(high, low), element| {
            (high.max(element.high), low.min(element.low))
        })
    }
}

/// Whether `element` ends at or beyond the end of `other`, which has its direction.
fn reaches(element: &Element, other: &Element) -> bool {
    match element.direction {
        Direction::Up => element.end_price >= other.end_price,
        Direction::Down => element.end_price <= other.end_price,
    }
}

fn counts(elements: &[Element], at: usize) -> bool {
    let before = at.checked_sub(2).and_then(|before| elements.get(before));
    match (elements.get(at), before) {
        (Some(element), Some(before)) => reaches(element, before),
        (element, _) => element.is_some(),
    }
}

/// Returns the most extreme element of this direction from `from` down to the first, the earlier of equal ones.
pub(crate) fn extreme_backward(
    elements: &[Element],
    direction: Direction,
    from: usize,
) -> Option<usize> {
    let mut best: Option<usize> = None;
    for at in (0..=from).rev() {
        let element = elements.get(at)?;
        let best_so_far = best.and_then(|best| elements.get(best));
        if element.direction == direction
            && best_so_far.is_none_or(|best| reaches(element, best))
            && counts(elements, at)
        {
            best = Some(at);
        }
    }
    best
}

/// Adds the provisional segments over the elements after the last one of `spans`.
pub(crate) fn collect(
    spans: &mut Vec<SegmentSpan>,
    elements: &[Element],
    extremes: &Extremes,
    method: LeftOverMethod,
) {
    let mut floor = spans.len();
    loop {
        match spans.last() {
            None => collect_first(spans, elements, extremes, method),
            Some(_) => collect_after(spans, elements, extremes, method),
        }
        let Some(last) = spans.last() else { return };
        if last.is_confirmed() || elements.len() <= last.end + 3 || floor == 0 {
            return;
        }
        floor = floor.min(spans.len()) - 1;
        spans.truncate(floor);
    }
}

/// Adds a provisional segment up to element `end`, in its direction.
pub(crate) fn add(spans: &mut Vec<SegmentSpan>, elements: &[Element], end: usize) {
    if let Some(last) = elements.get(end) {
        add_towards(spans, end, last.direction);
    }
}

fn add_towards(spans: &mut Vec<SegmentSpan>, end: usize, direction: Direction) {
    let start = spans.last().map_or(0, |last| last.end + 1);
    spans.push(SegmentSpan { start, end, direction, state: State::Provisional });
}

/// No segment was found at all.
fn collect_first(
    spans: &mut Vec<SegmentSpan>,
    elements: &[Element],
    extremes: &Extremes,
    method: LeftOverMethod,
) {
    let [first, _, .., last] = elements else { return };
    if elements.len() < 3 {
        return;
    }
    if method == LeftOverMethod::All {
        let rises = last.end_price >= first.begin_price;
        let direction = if rises { Direction::Up } else { Direction::Down };
        add_towards(spans, elements.len() - 1, direction);
        return;
    }
    let (high, low) = extremes.range(elements);
    let rises = (high - first.begin_price).abs() >= (low - first.begin_price).abs();
    let direction = if rises { Direction::Up } else { Direction::Down };
    if let Some(end) = extremes.extreme(elements, direction, 0) {
        add(spans, elements, end);
        collect_rest(spans, elements);
    }
}

fn collect_after(
    spans: &mut Vec<SegmentSpan>,
    elements: &[Element],
    extremes: &Extremes,
    method: LeftOverMethod,
) {
    let Some(z) = elements.last() else { return };
    let opposite = |end: usize| {
        let direction = elements.get(end)?.direction.opposite();
        extremes.extreme(elements, direction, end + 3)
    };
    loop {
        let Some(end) = spans.last().map(|last| last.end) else { return };
        if elements.len() < end + 4 {
            return;
        }
        let Some(e) = elements.get(end) else { return };
        let returns = match e.direction {
            Direction::Up => z.end_price >= e.end_price,
            Direction::Down => z.end_price <= e.end_price,
        };
        if !returns {
            break;
        }
        let Some(extreme) = opposite(end) else { return };
        add(spans, elements, extreme);
    }
    if method == LeftOverMethod::Peak {
        while let Some(extreme) = spans.last().and_then(|last| opposite(last.end)) {
            add(spans, elements, extreme);
        }
    }
    collect_rest(spans, elements);
}

/// Adds one segment to the last element that runs against the last segment's last one.
fn collect_rest(spans: &mut Vec<SegmentSpan>, elements: &[Element]) {
    let (Some(z), Some(end)) = (elements.last(), spans.last().map(|last| last.end)) else { return };
    let Some(e) = elements.get(end) else { return };
    let last = elements.len() - 1;
    if end < last {
        add(spans, elements, if e.direction == z.direction { last - 1 } else { last });
    }
}
