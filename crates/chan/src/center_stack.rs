//! A list of centers that changes at its end and can take its changes back.

use crate::center::Center;

#[derive(Debug, Clone, Copy)]
enum Change {
    Pushed,
    Popped(Center),
    Replaced(Center),
}

/// The centers, and the changes that made them.
#[derive(Debug, Clone)]
pub(crate) struct CenterStack {
    centers: Vec<Center>,
    changes: Vec<Change>,
    touched: Touched,
}

/// What was touched: nothing before these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Touched {
    /// Index of a center.
    pub index: usize,
    /// First element of a center.
    pub start: usize,
    /// Where a center begins, or the element after its end.
    pub end: usize,
    /// The same, but where a center begins also if its range is another.
    pub range: usize,
}

impl Touched {
    fn nothing(index: usize) -> Self {
        Self { index, start: usize::MAX, end: usize::MAX, range: usize::MAX }
    }
}

impl Default for CenterStack {
    fn default() -> Self {
        Self { centers: Vec::new(), changes: Vec::new(), touched: Touched::nothing(0) }
    }
}

impl CenterStack {
    pub fn centers(&self) -> &[Center] {
        &self.centers
    }

    pub fn last(&self) -> Option<&Center> {
        self.centers.last()
    }

    /// Returns the last two, the later one second.
    pub fn last_two(&self) -> Option<(Center, Center)> {
        match self.centers.as_slice() {
            [.., before, last] => Some((*before, *last)),
            _ => None,
        }
    }

    pub fn push(&mut self, center: Center) {
        self.touch_whole(center.start);
        self.centers.push(center);
        self.changes.push(Change::Pushed);
    }

    pub fn pop(&mut self) {
        if let Some(center) = self.centers.pop() {
            self.touch_whole(center.start);
            self.changes.push(Change::Popped(center));
        }
    }

    pub fn replace_last(&mut self, center: Center) {
        if let Some(last) = self.centers.last_mut() {
            let before = std::mem::replace(last, center);
            self.touch_replaced(&before, &center);
            self.changes.push(Change::Replaced(before));
        }
    }

    pub fn change_count(&self) -> usize {
        self.changes.len()
    }

    /// Takes back all changes but the first `keep`.
    pub fn take_back(&mut self, keep: usize) {
        while self.changes.len() > keep {
            match self.changes.pop() {
                None => return,
                Some(Change::Pushed) => {
                    if let Some(center) = self.centers.pop() {
                        self.touch_whole(center.start);
                    }
                }
                Some(Change::Popped(center)) => {
                    self.touch_whole(center.start);
                    self.centers.push(center);
                }
                Some(Change::Replaced(before)) => {
                    if let Some(last) = self.centers.last_mut() {
                        let center = std::mem::replace(last, before);
                        self.touch_replaced(&before, &center);
                    }
                }
            }
        }
    }

    pub fn touch_nothing(&mut self) {
        self.touched = Touched::nothing(self.centers.len());
    }

    pub fn touched(&self) -> Touched {
        self.touched
    }

    fn touch_replaced(&mut self, before: &Center, now: &Center) {
        let (start, end) = (before.start.min(now.start), before.end.min(now.end) + 1);
        let same_range = (before.low, before.high) == (now.low, now.high);
        let range = if same_range { end } else { start };
        let index = self.centers.len().saturating_sub(1);
        self.touch(Touched { index, start, end, range });
    }

    fn touch_whole(&mut self, start: usize) {
        self.touch(Touched { index: self.centers.len(), start, end: start, range: start });
    }

    fn touch(&mut self, new: Touched) {
        let old = self.touched;
        self.touched = Touched {
            index: old.index.min(new.index),
            start: old.start.min(new.start),
            end: old.end.min(new.end),
            range: old.range.min(new.range),
        };
    }
}
