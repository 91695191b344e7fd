//! From raw frames to order-flow features. Standard library only: no I/O, no clock.

mod agreement;
pub mod bars;
pub mod bins;
pub mod book;
pub mod error;
pub mod event;
pub mod flow_config;
mod frame;
pub mod fusion;
pub mod ofi;
pub mod preflight;
pub mod robust_z;
pub mod rows;
mod scan;
pub mod sync;
pub mod wire;

pub use frame::FrameKind;
pub use scan::Scale;
