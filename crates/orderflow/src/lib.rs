//! From raw frames to order-flow features. Standard library only: no I/O, no clock.

mod agreement;
pub mod bars;
mod binance;
pub mod bins;
pub mod book;
pub mod error;
pub mod event;
pub mod flow_config;
mod frame;
pub mod fusion;
mod head;
mod hyperliquid;
pub mod intake;
mod intake_book;
mod intake_core;
pub mod intake_rows;
mod intake_stats;
mod intake_symbol;
mod lane;
mod message;
mod offset;
pub mod ofi;
mod okx;
mod okx_book;
pub mod preflight;
pub mod robust_z;
pub mod rows;
mod scan;
mod symbol_table;
pub mod sync;
pub mod venue;
pub mod wire;

pub use frame::FrameKind;
pub use scan::Scale;
pub use symbol_table::Instrument;
pub use venue::Venue;
