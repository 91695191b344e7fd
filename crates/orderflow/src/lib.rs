//! From raw frames to order-flow features. Standard library only: no I/O, no clock.

mod agreement;
pub mod arrays;
pub mod bars;
pub mod bins;
pub mod book;
mod closer;
pub mod divergence;
pub mod error;
pub mod event;
mod ew_z;
mod extras;
pub mod flow_config;
pub mod flow_row;
mod frame;
pub mod fusion;
mod integrated;
mod kyle;
pub mod lee_ready;
mod microprice;
pub mod mlofi;
pub mod ofi;
pub mod preflight;
mod regime;
pub mod robust_z;
pub mod row_events;
pub mod rows;
mod scan;
mod state;
pub mod sync;
mod vpin;
pub mod wire;

pub use frame::FrameKind;
pub use scan::Scale;
