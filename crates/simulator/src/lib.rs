//! A synthetic market that never ends and a simulated venue that matches orders inside any market. Standard library
//! only: no I/O, no clock; the same seed and the same input give the same output on every platform.
//!
//! [`market`] makes events, [`venue`] takes them: the venue cannot tell a synthetic market from a recorded one.
//! [`ticks`] drives it from columns, [`bars`] is its sibling for markets of which only bars are known.

pub mod account;
pub mod bars;

pub mod flow;
pub mod ladder;
pub mod latency;
pub mod levels;
pub mod life;
pub mod margin;
pub mod market;
pub mod mirror;
pub mod order;
pub mod queue;
pub mod reject;
pub mod rng;
pub mod ticks;

pub mod venue;
