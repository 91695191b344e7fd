//! What the engine gives: one row a bin, the columns beyond the fixed ones, and the counters.

use crate::divergence::Divergence;
use crate::fusion::{Reasons, Signal};
use crate::state::state_of;
use crate::sync::Gap;

/// One bin's features. Quantities are base units, prices quote units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FlowRow {
    /// Bin end, exclusive, Unix ms.
    pub ts_ms: i64,
    /// Middle of the last quotes before `ts_ms`.
    pub mid: Option<f64>,
    /// Order flow imbalance of the bin.
    pub ofi: f64,
    /// Taker buys less taker sells since the start of the input.
    pub cvd: f64,
    /// Taker buys less taker sells of the bin.
    pub tfi: f64,
    /// Robust z of `ofi`.
    pub z_ofi: Option<f64>,
    /// Robust z of `tfi`.
    pub z_cvd: Option<f64>,
    /// Score of the two; contemporaneous.
    pub fusion: Option<f64>,
    /// State after the bin.
    pub signal: Signal,
    /// Whether the book was the venue's through the bin; `None` without a depth stream.
    pub book_ok: Option<bool>,
    /// Best bid.
    pub bid: Option<f64>,
    /// Best ask.
    pub ask: Option<f64>,
    /// 10^4 (ask − bid) / mid.
    pub spread_bps: Option<f64>,
    /// Agreement of the two z, 0 to 1.
    pub consistency: Option<f64>,
    /// Why the signal is what it is.
    pub reasons: Reasons,
    /// Quantity bought by takers.
    pub buy_qty: f64,
    /// Quantity sold by takers.
    pub sell_qty: f64,
    /// Trades in the bin.
    pub trades: u64,
    /// Quote changes in the bin.
    pub quotes: u64,
    /// Price of the last trade before `ts_ms`.
    pub last_price: Option<f64>,
    /// Whether the bin closed by timeout, before every socket had passed its end.
    pub late: bool,
}

/// What the engine has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlowStats {
    /// Events taken.
    pub events: u64,
    /// Quotes used.
    pub quotes: u64,
    /// Quotes left out: a price that is not 1 to 10^18, or a quantity that is not 0 to that.
    pub ignored_quotes: u64,
    /// Quotes left out: `u` not above the one before.
    pub repeated_quotes: u64,
    /// Trades used.
    pub trades: u64,
    /// Trades left out: id not above the one before.
    pub repeated_trades: u64,
    /// Trades left out: not on the market.
    pub ignored_trades: u64,
    /// Times a trade id skipped.
    pub trade_gaps: u64,
    /// Quotes, trades and steps of the book that came after their bin had closed.
    pub late: u64,
    /// Bins closed by timeout, before every socket had passed their end.
    pub late_bins: u64,
    /// Connections lost.
    pub resets: u64,
    /// Events left out: ten million bins or more past all others.
    pub too_far: u64,
    /// Diffs seen.
    pub diffs: u64,
    /// Snapshots seen.
    pub snapshots: u64,
    /// Times the book became synced.
    pub syncs: u64,
    /// Breaks of the chain of diffs.
    pub gaps: u64,
    /// Times the book was crossed.
    pub crossed: u64,
    /// The first 1,024 gaps.
    pub gap_list: Vec<Gap>,
}

state_of!(FlowStats {
    events,
    quotes,
    ignored_quotes,
    repeated_quotes,
    trades,
    repeated_trades,
    ignored_trades,
    trade_gaps,
    late,
    late_bins,
    resets,
    too_far,
    diffs,
    snapshots,
    syncs,
    gaps,
    crossed,
    gap_list,
});

/// What `all_columns` adds to a bin. Absent is `None`, never 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExtraRow {
    /// (qb − qa) / (qb + qa) of the last quotes.
    pub queue_imbalance: Option<f64>,
    /// (qb · Pa + qa · Pb) / (qb + qa).
    pub weighted_mid: Option<f64>,
    /// The mid plus what queue imbalance and spread expect of it; absent until fitted.
    pub micro_price: Option<f64>,
    /// Slope of the mid's move on `tfi` over 30 min, quote units for one base unit.
    pub kyle_lambda: Option<f64>,
    /// t-value of that slope.
    pub kyle_t: Option<f64>,
    /// One-sided share of the volume of 50 equal buckets.
    pub vpin: Option<f64>,
    /// Taker buys less taker sells since 00:00 UTC or the start of the input.
    pub cvd_day: f64,
    /// Taker buys less taker sells over the trailing window.
    pub cvd_rolling: f64,
    /// Share of the bin's traded quantity that takers bought; absent without trades.
    pub buy_ratio: Option<f64>,
    /// Taker buys less taker sells, quote units.
    pub tfi_quote: f64,
    /// Age of the older of the two legs at the bin's end, seconds.
    pub lag_sec: Option<f64>,
    /// Order flow imbalance at each level; empty where the book was not the venue's.
    pub mlofi: Vec<f64>,
    /// The levels joined by fixed weights.
    pub ofi_weighted: Option<f64>,
    /// The levels joined by their first principal component, while it earns its use.
    pub ofi_integrated: Option<f64>,
    /// Quantity of bids within 10 bps of the mid.
    pub depth_bid: Option<f64>,
    /// Quantity of asks within 10 bps of the mid.
    pub depth_ask: Option<f64>,
    /// Realised σ of the mid over the last minute, bps.
    pub sigma_bps: Option<f64>,
    /// Trades in the last minute.
    pub trades_per_min: Option<f64>,
    /// Quotes a second over the last minute.
    pub quotes_per_s: Option<f64>,
    /// Traded value of the last minute, quote units.
    pub volume_quote: Option<f64>,
    /// Move of the mid over five minutes, bps.
    pub move_5m_bps: Option<f64>,
    /// Whether strong OFI stands against trade flow.
    pub ofi_cvd_conflict: bool,
    /// Divergences that became known with this bin.
    pub divergences: Vec<Divergence>,
}

impl ExtraRow {
    /// Returns the divergence of the highest score, the first of equals.
    pub fn divergence(&self) -> Option<&Divergence> {
        self.divergences.iter().rev().max_by(|one, other| one.score.total_cmp(&other.score))
    }
}
