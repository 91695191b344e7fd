//! Chan structure (缠论): one incremental engine over bars. Standard library only.
//!
//! The engine reads bars and holds, after each of them, the strokes (笔) they make. One file per rule:
//! `inclusion` (包含), `fractal` (分型), `stroke` (what two fractals need to be joined) and `first_stroke`
//! (where the first one begins). `engine` runs them bar by bar; a batch is a fold of the same engine.
//!
//! ```
//! use chan::{Bar, Engine, Params};
//!
//! let mut engine = Engine::new(Params::preset("default")?);
//! let low = [9.0, 8.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 11.0, 10.0];
//! for (i, low) in (0_i64..).zip(low) {
//!     let bar = Bar { ts_ms: i * 60_000, open: low, high: low + 0.5, low, close: low, volume: 1.0 };
//!     engine.push(bar)?;
//! }
//! let strokes: Vec<_> = engine.strokes().collect();
//! assert_eq!((strokes[0].start_bar, strokes[0].end_bar), (2, 7));
//! # Ok::<(), chan::ChanError>(())
//! ```

mod bar;
mod engine;
mod error;
mod event;
mod first_stroke;
mod fractal;
mod inclusion;
mod params;
mod range_max;
mod stroke;

pub use bar::Bar;
pub use engine::Engine;
pub use error::ChanError;
pub use event::{EventKind, StrokeEvent};
pub use inclusion::Direction;
pub use params::{FractalCheck, Params, StrokeAlgorithm};
pub use stroke::{State, Stroke};
