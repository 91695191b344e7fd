//! Chan structure (缠论): one incremental engine over bars. Standard library only.
//!
//! The engine reads bars and holds, after each of them, everything they show: strokes (笔), segments (线段),
//! super-segments, centers (中枢), points (买卖点) and trend types (走势类型) of both levels. One file per rule.
//!
//! From the bottom up: `inclusion` (包含), `fractal` (分型), `stroke` and `first_stroke`, run bar by bar by
//! `stroke_engine`, or `czsc` in its place; `feature_sequence`, `segment` and `left_over`, written over elements and so
//! used for segments of strokes and of segments alike; `center*`, `divergence*` and `point*` over these; `tier` holds
//! one level, `engine` both, and `ledger` says what each bar changed and since when everything is known. A batch is
//! the same engine without the telling.
//!
//! ```
//! use chan::{Bar, Engine, Params};
//!
//! let mut engine = Engine::new(Params::preset("default")?);
//! let low = [9.0, 8.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 11.0, 10.0];
//! for (i, low) in (0_i64..).zip(low) {
//!     let bar = Bar { ts_ms: i * 60_000, open: low, high: low + 0.5, low, close: low, volume: 1.0, amount: 0.0 };
//!     engine.push(bar)?;
//! }
//! let strokes: Vec<_> = engine.strokes().collect();
//! assert_eq!((strokes[0].start_bar, strokes[0].end_bar), (2, 7));
//! # Ok::<(), chan::ChanError>(())
//! ```

mod bar;
mod bases;
mod center;
mod center_combine;
mod center_czsc;
mod center_free;
mod center_normal;
mod center_over_segment;
mod center_params;
mod center_stack;
mod czsc;
mod divergence;
mod divergence_columns;
mod element;
mod engine;
mod era;
mod error;
mod event;
mod feature_sequence;
mod first_stroke;
mod fractal;
mod gallop;
mod inclusion;
mod ledger;
mod left_over;
mod macd;
mod params;
mod past;
mod picture;
mod point;
mod point_first;
mod point_first_consolidation;
mod point_params;
mod point_second;
mod point_second_like;
mod point_third_after;
mod point_third_before;
mod point_types;
mod range_max;
mod recording;
mod records;
mod reset;
mod segment;
mod segment_places;
mod settings;
mod stroke;
mod stroke_engine;
mod stroke_report;
mod stroke_source;
mod structure;
mod tier;
mod trend;
mod upper_params;

pub use bar::Bar;
pub use center::{Center, CenterChange, CenterMachine};
pub use center_params::{CenterAlgorithm, CenterParams, CombineMode};
pub use divergence::{Metric, Needs};
pub use divergence_columns::Columns;
pub use element::{Element, SegmentSpan};
pub use engine::Engine;
pub use error::ChanError;
pub use event::{Event, EventKind, Object, StrokeEvent};
pub use inclusion::Direction;
pub use params::{FractalCheck, LeftOverMethod, Params, StrokeAlgorithm};
pub use point::{Level, Point, PointMachine, Side};
pub use point_params::{LevelRules, PointRules};
pub use point_types::{PointType, PointTypes};
pub use recording::Recording;
pub use records::Records;
pub use reset::{Reset, ResetReason};
pub use segment::SegmentMachine;
pub use stroke::{State, Stroke};
pub use stroke_engine::StrokeEngine;
pub use structure::{LevelCenter, LevelKind, LevelPoint, LevelStroke, Life, Segment};
pub use trend::{TrendCompare, TrendKind, TrendType, trend_types};
pub use upper_params::UpperParams;
