//! From raw frames to order-flow features. Standard library only: no I/O, no clock.

pub mod event;
