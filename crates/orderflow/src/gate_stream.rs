//! What the gate remembers of a stream: its newest keys, its chain of ids, its time.

use crate::gate_columns::{BookChain, CHAIN_BREAK, DUPLICATE, TIME_BACK};
use crate::gate_recent::RecentRows;
use crate::gate_row::Row;
use crate::rows::{KIND_AGG_TRADE, KIND_BOOK, KIND_TRADE};

/// After so many rows in a row that fell back in time, the one before them was wrong.
const BACK_MAX: u32 = 64;

/// What one stream remembers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stream {
    pub recent: RecentRows,
    last_ms: Option<i64>,
    back_count: u32,
    /// Newest id of the chain, and the rows that it came with.
    pub chain: Option<i64>,
    pub chain_rows: (u64, u64),
}

impl Stream {
    /// Judges the id of a new event, and gives the rows before it where it does not join them.
    pub fn follow(
        &mut self,
        row: &Row,
        chain: BookChain,
        unjoined: &mut Option<(u64, u64)>,
    ) -> u32 {
        if self.recent.has_seen((row.last, row.ts_ms)) {
            return DUPLICATE;
        }
        let is_trade = matches!(row.kind, KIND_TRADE | KIND_AGG_TRADE);
        let first = if is_trade { row.last } else { row.first };
        let is_fresh = row.kind == KIND_BOOK && row.first < 0 && row.prev < 0;
        let joins = is_fresh
            || self.chain.is_none_or(|before| match chain {
                BookChain::Prev => row.prev == before,
                BookChain::Next => first == before.saturating_add(1),
                BookChain::PrevOrStart => row.prev < 0 || row.prev == before,
                BookChain::None => true,
            });
        if !joins {
            *unjoined = Some(self.chain_rows);
        }
        self.chain = Some(row.last);
        self.chain_rows = (row.number, row.number);
        if joins { 0 } else { CHAIN_BREAK }
    }

    /// Judges the event time; only rows without a fault set the time that others may not fall behind.
    pub fn time(&mut self, ts_ms: i64, mask: u32) -> u32 {
        let is_back = self.last_ms.is_some_and(|last_ms| ts_ms < last_ms);
        if is_back && self.back_count < BACK_MAX {
            self.back_count += 1;
            return TIME_BACK;
        }
        if mask == 0 {
            self.back_count = 0;
            self.last_ms = Some(ts_ms);
        }
        0
    }
}
