//! What a venue is told at its start.

use crate::account::FeeTier;
use crate::latency::Latency;
use crate::margin::MarginRules;
use crate::mirror::Impact;
use crate::queue::QueueModel;

/// For how long a client id is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Uniqueness {
    /// For ever: the strictest a venue could be. Every id is kept.
    #[default]
    Ever,
    /// While its order is live or on its way, as at Binance.
    WhileLive,
}

/// The venue's ways and the instrument's rules; prices in 10^-p, quantities in 10^-q.
#[derive(Clone, Debug, PartialEq)]
pub struct VenueConfig {
    /// From sending a request to its arrival.
    pub order_latency: Latency,
    /// From an event at the venue to the client's knowing it.
    pub response_latency: Latency,
    /// Of the latencies' chance.
    pub seed: u64,
    /// How reductions that no trade explains move the queue.
    pub queue: QueueModel,
    /// Whether what our takers ate stays eaten.
    pub impact: Impact,
    /// p: prices are integers of 10^-p.
    pub price_decimals: u32,
    /// q: quantities are integers of 10^-q.
    pub qty_decimals: u32,
    /// Prices are multiples of it.
    pub tick: i64,
    /// Quantities are multiples of it.
    pub step: i64,
    /// Smallest quantity.
    pub min_qty: i64,
    /// Smallest price times quantity of an order that may open, in 10^-(p+q) quote units.
    pub min_notional: i64,
    /// How far the unseen side is taken to be from a trade in a feed of trades only, in 10^-p.
    pub trade_spread: i64,
    /// For how long a client id is taken.
    pub unique_ids: Uniqueness,
    /// Whether a conditional reduce-only order of its own waits on when the position ends, as at Binance; it then expires
    /// where it triggers without a position. Attached exits always end with it.
    pub idle_exits_stay: bool,
    /// Fees by traded notional, lowest first; none are none.
    pub fees: Vec<FeeTier>,
    /// Without rules, every account trades what it likes and nobody is liquidated.
    pub margin: Option<MarginRules>,
}

impl Default for VenueConfig {
    /// Returns the rules of the default synthetic market: tick 0.01, step 0.001, at least 5 quote; 2 ms each way; no fees,
    /// no margin.
    fn default() -> Self {
        Self {
            order_latency: Latency::Constant(2_000_000),
            response_latency: Latency::Constant(2_000_000),
            seed: 0,
            queue: QueueModel::RiskAdverse,
            impact: Impact::Consume,
            price_decimals: 2,
            qty_decimals: 3,
            tick: 1,
            step: 1,
            min_qty: 1,
            min_notional: 500_000,
            trade_spread: 1,
            unique_ids: Uniqueness::Ever,
            idle_exits_stay: false,
            fees: Vec::new(),
            margin: None,
        }
    }
}
