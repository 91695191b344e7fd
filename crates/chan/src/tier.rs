//! One level as it grows: its elements, and the segments, centers and points they make.

use crate::center::{Center, CenterChange, CenterMachine};
use crate::center_czsc::CzscCenters;
use crate::center_params::CenterAlgorithm;
use crate::divergence_columns::Columns;
use crate::element::Element;
use crate::params::Params;
use crate::point::{Level, PointMachine};
use crate::point_params::LevelRules;
use crate::segment::SegmentMachine;

/// The centers of one of the two kinds of rules.
#[derive(Debug, Clone)]
enum Centers {
    Rules(CenterMachine),
    Czsc(CzscCenters),
}

/// How many elements, from the first, are known for good.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    /// They will never change.
    pub settled: usize,
    /// They count as finished.
    pub finished: usize,
}

/// The first object of each list that an update may have changed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Changed {
    pub segment: usize,
    pub center: usize,
    pub point: usize,
}

/// The structure over the elements of one level.
#[derive(Debug, Clone)]
pub(crate) struct Tier {
    pub elements: Vec<Element>,
    pub segments: SegmentMachine,
    centers: Centers,
    pub points: PointMachine,
    open_from: usize,
    finished: usize,
}

impl Tier {
    pub fn new(params: &Params, rules: LevelRules) -> Self {
        let centers = match params.upper.centers.zs_algo {
            CenterAlgorithm::Czsc => Centers::Czsc(CzscCenters::default()),
            _ => Centers::Rules(CenterMachine::new(params.upper.centers)),
        };
        let (segments, points) = (SegmentMachine::new(params), PointMachine::new(rules));
        Self { elements: Vec::new(), segments, centers, points, open_from: 0, finished: 0 }
    }

    pub fn centers(&self) -> &[Center] {
        match &self.centers {
            Centers::Rules(machine) => machine.centers(),
            Centers::Czsc(centers) => centers.centers(),
        }
    }

    /// Returns the first element whose center may still change.
    pub fn open_from(&self) -> usize {
        self.open_from
    }

    /// Returns how many elements counted as finished at the last update.
    pub fn finished(&self) -> usize {
        self.finished
    }

    /// Replaces the elements from `from` on by `new`. Returns the first that differs; none if all are as they were.
    pub fn renew(&mut self, from: usize, new: impl Iterator<Item = Element>) -> Option<usize> {
        let mut at = from;
        let mut changed = None;
        for element in new {
            if changed.is_none() && self.elements.get(at) != Some(&element) {
                changed = Some(at);
                self.elements.truncate(at);
            }
            if changed.is_some() {
                self.elements.push(element);
            }
            at += 1;
        }
        if at < self.elements.len() {
            self.elements.truncate(at);
            return Some(at);
        }
        changed
    }

    /// Renews everything over the elements, which differ from number `from` on.
    pub fn update(&mut self, from: usize, known: Known, columns: &Columns) -> Changed {
        self.finished = known.finished;
        let segment = self.segments.update(&self.elements, known.settled, from);
        let (elements, segments) = (&self.elements, self.segments.segments());
        let was_open = self.open_from;
        let change = match &mut self.centers {
            Centers::Rules(machine) => {
                let change = machine.update(elements, segments, from, segment);
                self.open_from = machine.open_from(elements);
                change
            }
            Centers::Czsc(centers) => {
                let finished = known.finished.min(elements.len());
                let change = centers.update(elements, finished, known.settled, from);
                self.open_from = centers.open_from();
                change
            }
        };
        let center = self.first_center(&change, was_open);
        let centers = match &self.centers {
            Centers::Rules(machine) => machine.centers(),
            Centers::Czsc(centers) => centers.centers(),
        };
        let open_from = self.open_from;
        let level = Level { elements, segments, centers, columns, open_from };
        let point = self.points.update(&level, &change, segment);
        Changed { segment, center, point }
    }

    /// Returns the first center that may look otherwise: by itself, by its exit or by being final now.
    fn first_center(&self, change: &CenterChange, was_open: usize) -> usize {
        let centers = self.centers();
        let opened = was_open.min(self.open_from);
        let mut first = change.center.min(centers.len());
        if was_open != self.open_from {
            first = first.min(centers.partition_point(|center| center.start < opened));
        }
        let before = centers.get(..first).unwrap_or_default().iter().rev();
        first - before.take_while(|center| center.end + 2 >= change.element).count()
    }
}
