//! Running centers over finished elements (`zs_algo=czsc`): an element stays in the center until one leaves it whole.

use crate::center::{Center, CenterChange};
use crate::element::Element;
use crate::inclusion::Direction;

/// The center the next element may join.
#[derive(Debug, Clone, Copy)]
struct Running {
    center: Center,
    /// Whether every element read since there were three touches the range or spans it.
    touched: bool,
}

/// Where the reading stands.
#[derive(Debug, Clone, Copy, Default)]
struct Reader {
    next: usize,
    running: Option<Running>,
}

/// The running centers of one level.
#[derive(Debug, Clone, Default)]
pub(crate) struct CzscCenters {
    /// After the elements that will never change, and how many centers were closed among them.
    settled: Reader,
    closed: usize,
    /// The first element whose center may still change.
    open_from: usize,
    centers: Vec<Center>,
    before: Vec<Center>,
}

impl CzscCenters {
    pub fn centers(&self) -> &[Center] {
        &self.centers
    }

    /// Returns the first element whose center may still change.
    pub fn open_from(&self) -> usize {
        self.open_from
    }

    /// Reads the elements up to `finished` anew; the first `settled` will never change.
    pub fn update(
        &mut self,
        elements: &[Element],
        finished: usize,
        settled: usize,
        changed_element: usize,
    ) -> CenterChange {
        let kept = self.closed;
        self.before.clear();
        self.before.extend(self.centers.drain(kept..));
        let mut reader = self.settled;
        self.read(&mut reader, elements, settled.min(finished));
        (self.settled, self.closed) = (reader, self.centers.len());
        let confirmed = elements.iter().rposition(|element| element.confirmed);
        self.read(&mut reader, elements, confirmed.map_or(0, |last| last + 1).min(finished));
        self.open_from = reader.running.map_or(reader.next, |running| running.center.start);
        self.read(&mut reader, elements, finished);
        self.centers.extend(reader.running.and_then(|running| running.shown()));
        let pairs = self.centers.iter().skip(kept).zip(&self.before);
        let same = pairs.take_while(|(new, old)| new == old && new.end + 1 < changed_element);
        let center = kept + same.count();
        let starts = [self.centers.get(center), self.before.get(center - kept)];
        let start = starts.into_iter().flatten().map(|center| center.start).min();
        let start = start.unwrap_or(usize::MAX);
        CenterChange { center, start, from: start, element: changed_element }
    }

    fn read(&mut self, reader: &mut Reader, elements: &[Element], until: usize) {
        while reader.next < until {
            let Some(element) = elements.get(reader.next) else { return };
            let joined = reader.running.and_then(|running| running.joined(reader.next, elements));
            if joined.is_none() {
                self.centers.extend(reader.running.and_then(|running| running.shown()));
            }
            let opened = Running { center: Center::of(reader.next, element), touched: true };
            reader.running = Some(joined.unwrap_or(opened));
            reader.next += 1;
        }
    }
}

impl Running {
    /// Returns it with one more element, unless that lies beyond it whole.
    fn joined(self, index: usize, elements: &[Element]) -> Option<Self> {
        let element = elements.get(index)?;
        let is_beyond = match element.direction {
            Direction::Up => element.high < self.center.low,
            Direction::Down => element.low > self.center.high,
        };
        if is_beyond {
            return None;
        }
        let start = self.center.start;
        let narrows = index < start + 3;
        let center = if narrows {
            self.center.narrowed(index, elements)
        } else {
            self.center.extended(index, elements)
        };
        // The range is what the first three share: until then none of them can be judged.
        let judged = elements.get(if narrows { start } else { index }..=index)?;
        let touched = index < start + 2
            || (self.touched && judged.iter().all(|element| touches(element, &center)));
        Some(Self { center, touched })
    }

    fn shown(self) -> Option<Center> {
        let Center { start, end, low, high, .. } = self.center;
        (end >= start + 2 && low <= high && self.touched).then_some(self.center)
    }
}

/// Whether an element has its high or its low in the range, or spans it.
fn touches(element: &Element, center: &Center) -> bool {
    let is_inside = |price: f64| center.low <= price && price <= center.high;
    is_inside(element.high)
        || is_inside(element.low)
        || (element.high >= center.high && element.low <= center.low && center.high > center.low)
}
