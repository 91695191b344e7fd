//! One row and the faults of its values alone.

use crate::gate_columns::{BAD_VALUE, BookChain, KIND_LEVEL, KIND_SNAPSHOT_LEVEL, NULL_FIELD};
use crate::gate_grid::Grid;
use crate::rows::{
    KIND_AGG_TRADE, KIND_BOOK, KIND_BOOK_TICKER, KIND_GAP, KIND_KLINE, KIND_LIQUIDATION, KIND_MARK,
    KIND_TRADE, SIDE_BUY, SIDE_NONE, SIDE_SELL,
};

/// One row, with what stands for absent values.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub number: u64,
    pub kind: u8,
    pub ts_ms: i64,
    pub price: f64,
    pub qty: f64,
    pub side: u8,
    pub first: i64,
    pub last: i64,
    pub prev: i64,
    pub bid: f64,
    pub ask: f64,
}

impl Row {
    pub const BLANK: Self = Self {
        number: 0,
        kind: KIND_GAP,
        ts_ms: i64::MIN,
        price: f64::NAN,
        qty: f64::NAN,
        side: SIDE_NONE,
        first: -1,
        last: -1,
        prev: -1,
        bid: f64::NAN,
        ask: f64::NAN,
    };
}

impl BookChain {
    /// Returns the faults of a row's values alone.
    pub(crate) fn faults(self, row: &Row) -> u32 {
        let mut mask = 0;
        if row.ts_ms == i64::MIN {
            mask = NULL_FIELD;
        } else if row.ts_ms <= 0 {
            mask = BAD_VALUE;
        }
        let is_level = matches!(row.kind, KIND_LEVEL | KIND_SNAPSHOT_LEVEL);
        match row.kind {
            KIND_BOOK_TICKER | KIND_BOOK => mask |= positive(row.bid) | positive(row.ask),
            _ => mask |= positive(row.price),
        }
        match row.kind {
            KIND_TRADE | KIND_AGG_TRADE | KIND_LIQUIDATION => mask |= positive(row.qty),
            KIND_LEVEL | KIND_SNAPSHOT_LEVEL | KIND_KLINE => mask |= not_negative(row.qty),
            _ => {}
        }
        if is_level || matches!(row.kind, KIND_TRADE | KIND_AGG_TRADE | KIND_LIQUIDATION) {
            mask |= match row.side {
                SIDE_NONE => NULL_FIELD,
                SIDE_BUY | SIDE_SELL => 0,
                _ => BAD_VALUE,
            };
        }
        if row.last < 0 && !matches!(row.kind, KIND_MARK | KIND_LIQUIDATION) {
            mask |= NULL_FIELD;
        }
        if matches!(row.kind, KIND_BOOK | KIND_LEVEL) {
            // A book fresh from a snapshot has neither id before it, and begins a chain.
            let is_fresh = row.kind == KIND_BOOK && row.first < 0 && row.prev < 0;
            let is_unlinked = match self {
                Self::Prev => row.prev < 0 && !is_fresh,
                Self::Next => row.first < 0 && !is_fresh,
                Self::PrevOrStart | Self::None => false,
            };
            if is_unlinked {
                mask |= NULL_FIELD;
            }
            // OKX counts anew after maintenance.
            let has_order = matches!(self, Self::Prev | Self::Next);
            if has_order && (row.first > row.last || row.prev > row.last) {
                mask |= BAD_VALUE;
            }
        }
        mask
    }
}

/// Returns whether a price is off the tick or a quantity off the step, where the kind must keep to them.
pub(crate) fn is_off_grid(grid: &Grid, row: &Row, has_book_step: bool) -> bool {
    match row.kind {
        KIND_TRADE | KIND_AGG_TRADE => grid.is_price_off(row.price) || grid.is_qty_off(row.qty),
        // A liquidation's price is an average, and its order may be off the grid too.
        KIND_BOOK_TICKER | KIND_BOOK => grid.is_price_off(row.bid) || grid.is_price_off(row.ask),
        KIND_LEVEL | KIND_SNAPSHOT_LEVEL => {
            grid.is_price_off(row.price) || (has_book_step && grid.is_qty_off(row.qty))
        }
        _ => false,
    }
}

/// Returns the fault of a number that must be above 0.
pub(crate) fn positive(value: f64) -> u32 {
    if value.is_nan() {
        NULL_FIELD
    } else if value > 0.0 && value.is_finite() {
        0
    } else {
        BAD_VALUE
    }
}

fn not_negative(value: f64) -> u32 {
    if value == 0.0 { 0 } else { positive(value) }
}
