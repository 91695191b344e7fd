//! What an intake counts.

use crate::sync::SyncState;

/// Plain counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames, faults included.
    pub frames: u64,
    /// Bytes of all lines.
    pub bytes: u64,
    /// `#` lines and empty ones.
    pub remarks: u64,
    /// Frames that could not be read.
    pub dead: u64,
    /// Messages that had been there before.
    pub repeats: u64,
    /// Messages that waited for the leading socket.
    pub waited: u64,
    /// Messages of no use here: replies, unknown streams, other symbols.
    pub unused: u64,
    /// Rows handed out.
    pub rows: u64,
    /// Times a book became synced.
    pub syncs: u64,
    /// Holes.
    pub gaps: u64,
}

/// Where a symbol stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolStats {
    /// Its name.
    pub symbol: String,
    /// Where its book stands.
    pub state: SyncState,
    /// Receive time in ns since when the book is due, 0 if it is not.
    pub unsynced_ns: i64,
    /// Times its book became synced.
    pub syncs: u64,
    /// Holes in its streams.
    pub gaps: u64,
    /// Diffs applied.
    pub applied: u64,
}

/// What an intake has counted.
#[derive(Clone, Debug, PartialEq)]
pub struct IntakeStats {
    /// Plain counters.
    pub counts: Counts,
    /// Median of `receive − E − offset` over the last 4,096 messages with an `E`, ms.
    pub lag_p50_ms: Option<i64>,
    /// 99th percentile of it, ms.
    pub lag_p99_ms: Option<i64>,
    /// Highest receive time, Unix ns.
    pub clock_ns: i64,
    /// Clock offset of each socket, ms: the least `receive − E` of the last ten minutes.
    pub offsets_ms: Vec<(u32, i64)>,
    /// Symbols.
    pub symbols: Vec<SymbolStats>,
}
