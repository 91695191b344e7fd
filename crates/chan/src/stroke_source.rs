//! Where the strokes of the engine come from.

use crate::bar::Bar;
use crate::czsc::CzscStrokes;
use crate::element::Element;
use crate::error::ChanError;
use crate::event::StrokeEvent;
use crate::params::{Params, StrokeAlgorithm};
use crate::reset::Reset;
use crate::stroke::{State, Stroke};
use crate::stroke_engine::StrokeEngine;

/// The strokes of one of the two kinds of rules.
#[derive(Debug, Clone)]
pub(crate) enum StrokeSource {
    Fractals(Box<StrokeEngine>),
    Czsc(Box<CzscStrokes>),
}

impl StrokeSource {
    /// Returns the strokes of a series whose first bar has number `bars`, the bar before it being of this time.
    pub fn starting_at(params: &Params, bars: usize, last_ts_ms: Option<i64>) -> Self {
        match params.bi_algo {
            StrokeAlgorithm::Czsc => {
                Self::Czsc(Box::new(CzscStrokes::starting_at(params, bars, last_ts_ms)))
            }
            _ => Self::Fractals(Box::new(StrokeEngine::starting_at(*params, bars, last_ts_ms))),
        }
    }

    /// Reads a bar that is known to be followed by another.
    pub fn read(&mut self, bar: Bar) -> Result<(), ChanError> {
        match self {
            Self::Fractals(strokes) => strokes.read(bar),
            Self::Czsc(strokes) => strokes.push(bar),
        }
    }

    pub fn push(&mut self, bar: Bar) -> Result<(), ChanError> {
        match self {
            Self::Fractals(strokes) => strokes.push(bar).map(|_| ()),
            Self::Czsc(strokes) => strokes.push(bar),
        }
    }

    pub fn replace(&mut self, bar: Bar) -> Result<(), ChanError> {
        match self {
            Self::Fractals(strokes) => strokes.replace(bar).map(|_| ()),
            Self::Czsc(strokes) => strokes.replace(bar),
        }
    }

    /// Takes the last bar back, if it was pushed or replaced; nothing is told about it.
    pub fn take_bar_back(&mut self) {
        match self {
            Self::Fractals(strokes) => strokes.take_bar_back(),
            Self::Czsc(strokes) => strokes.take_bar_back(),
        }
    }

    pub fn check(&self, bar: &Bar) -> Result<(), ChanError> {
        match self {
            Self::Fractals(strokes) => strokes.check(bar),
            Self::Czsc(strokes) => strokes.check(bar),
        }
    }

    pub fn check_replacement(&self, bar: &Bar) -> Result<(), ChanError> {
        match self {
            Self::Fractals(strokes) => strokes.check_replacement(bar),
            Self::Czsc(strokes) => strokes.check_replacement(bar),
        }
    }

    pub fn last_ts_ms(&self) -> Option<i64> {
        match self {
            Self::Fractals(strokes) => strokes.last_ts_ms(),
            Self::Czsc(strokes) => strokes.last_ts_ms(),
        }
    }

    /// Returns where a stroke was overdue.
    pub fn resets(&self) -> &[Reset] {
        match self {
            Self::Fractals(strokes) => strokes.resets(),
            Self::Czsc(_) => &[],
        }
    }

    /// Returns the strokes as they are if no bar follows them for good: each ends at its last fractal.
    pub fn final_strokes(&self) -> impl Iterator<Item = Stroke> + '_ {
        let count = match self {
            Self::Fractals(strokes) => strokes.final_count(),
            Self::Czsc(strokes) => strokes.stroke_count(),
        };
        (0..count).filter_map(|index| match self {
            Self::Fractals(strokes) => strokes.final_stroke(index),
            Self::Czsc(strokes) => strokes.stroke(index),
        })
    }

    pub fn stroke(&self, index: usize) -> Option<Stroke> {
        match self {
            Self::Fractals(strokes) => strokes.stroke(index),
            Self::Czsc(strokes) => strokes.stroke(index),
        }
    }

    pub fn stroke_count(&self) -> usize {
        match self {
            Self::Fractals(strokes) => strokes.stroke_count(),
            Self::Czsc(strokes) => strokes.stroke_count(),
        }
    }

    /// Returns stroke number `index` as the rules above strokes see it. A stroke of the czsc rules may be taken back
    /// whole, so it is sure once it is confirmed.
    pub fn element(&self, index: usize) -> Option<Element> {
        let stroke = self.stroke(index)?;
        let sure = match self {
            Self::Fractals(strokes) => strokes.is_sure(index),
            Self::Czsc(_) => stroke.state == State::Confirmed,
        };
        Some(stroke.element(sure))
    }

    /// Returns how many strokes count as finished.
    pub fn finished_count(&self) -> usize {
        match self {
            Self::Fractals(strokes) => strokes.stroke_count(),
            Self::Czsc(strokes) => strokes.finished_count(),
        }
    }

    /// Returns how many strokes, from the first, are as they will be whatever the last bar is replaced by.
    pub fn settled_count(&self) -> usize {
        match self {
            Self::Fractals(strokes) => strokes.settled_count(),
            Self::Czsc(strokes) => strokes.settled_count(),
        }
    }

    /// Returns the number of the first stroke the last bar may have changed.
    pub fn first_changed(&self) -> usize {
        match self {
            Self::Fractals(strokes) => strokes.first_changed(),
            Self::Czsc(strokes) => strokes.first_changed(),
        }
    }

    /// Returns what the last bar changed.
    pub fn events(&self) -> &[StrokeEvent] {
        match self {
            Self::Fractals(strokes) => strokes.events(),
            Self::Czsc(strokes) => strokes.events(),
        }
    }

    pub fn bar_count(&self) -> usize {
        match self {
            Self::Fractals(strokes) => strokes.bar_count(),
            Self::Czsc(strokes) => strokes.bar_count(),
        }
    }

    pub fn merged_count(&self) -> usize {
        match self {
            Self::Fractals(strokes) => strokes.merged_count(),
            Self::Czsc(strokes) => strokes.merged_count(),
        }
    }
}
