//! How a synthetic market is told.

use orderflow::event::Level;

use crate::ladder::{Ladder, Side};

/// What tells a market's changes to those outside, in its own words.
pub trait Teller {
    /// Where it writes.
    type Out;

    /// When it next speaks of its own accord, Unix ns.
    fn next_beat_ns(&self) -> i64;
    /// Tells what stands at the start, once.
    fn open(&mut self, ladder: &Ladder, out: &mut Self::Out);
    /// Notes that a level changed.
    fn touch(&mut self, side: Side, price: i64);
    /// Tells one fill of a market order of `taker`.
    fn trade(&mut self, now_ns: i64, fill: Level, taker: Side, out: &mut Self::Out);
    /// Ends one change of the book.
    fn quote(&mut self, now_ns: i64, ladder: &Ladder, out: &mut Self::Out);
    /// Speaks of its own accord, and sets the time of the next beat.
    fn beat(&mut self, ladder: &Ladder, out: &mut Self::Out);
}
