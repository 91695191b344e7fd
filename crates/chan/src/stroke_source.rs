//! Where the strokes of the engine come from.

use crate::bar::Bar;
use crate::czsc::CzscStrokes;
use crate::element::Element;
use crate::error::ChanError;
use crate::event::StrokeEvent;
use crate::params::{Params, StrokeAlgorithm};
use crate::stroke::{State, Stroke};
use crate::stroke_engine::StrokeEngine;

/// The strokes of one of the two kinds of rules.
#[derive(Debug, Clone)]
pub(crate) enum StrokeSource {
    Fractals(Box<StrokeEngine>),
    Czsc(Box<CzscStrokes>),
}

impl StrokeSource {
    pub fn new(params: &Params) -> Self {
        match params.bi_algo {
            StrokeAlgorithm::Czsc => Self::Czsc(Box::new(CzscStrokes::new(params))),
            _ => Self::Fractals(Box::new(StrokeEngine::new(*params))),
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

    /// Returns when the last bar opened.
    pub fn last_ts_ms(&self) -> Option<i64> {
        match self {
            Self::Fractals(strokes) => strokes.last_ts_ms(),
            Self::Czsc(strokes) => strokes.last_ts_ms(),
        }
    }

    pub fn merged_count(&self) -> usize {
        match self {
            Self::Fractals(strokes) => strokes.merged_count(),
            Self::Czsc(strokes) => strokes.merged_count(),
        }
    }
}
