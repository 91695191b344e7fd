//! What an intake remembers of one symbol: its book, the order of its streams, and the newest values.

use std::collections::{BTreeSet, VecDeque};

use crate::book::Book;
use crate::event::{Body, Event, EventBatch, Level, LevelRange};
use crate::lane::Lane;
use crate::message::Mark;
use crate::okx_book::OkxBook;
use crate::scan::{POW10, Scale};
use crate::sync::{BookSync, BufferCaps, SyncState};
use crate::venue::Venue;

/// Trade ids remembered where they do not rise.
const MAX_SEEN: usize = 8_192;
/// Events kept for a watcher that does not come.
const MAX_EVENTS: usize = 1 << 20;

/// The streams that are merged by their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Depth,
    Quote,
    Trade,
    AggTrade,
}

/// A value with its two times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timed<T> {
    /// The value.
    pub value: T,
    /// Venue time, Unix ms.
    pub event_ms: i64,
    /// Local receive time, Unix ns.
    pub known_ns: i64,
}

/// A trade as readers see it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LastTrade {
    /// Price, quote units.
    pub price: f64,
    /// Quantity, base units or contracts.
    pub qty: f64,
    /// Whether the taker sold.
    pub buyer_is_maker: bool,
}

/// A mark price as readers see it; absent numbers are NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LastMark {
    /// Mark price.
    pub price: f64,
    /// Index price.
    pub index_price: f64,
    /// Funding rate as a fraction.
    pub funding_frac: f64,
    /// Next funding, Unix ms; 0 where unknown.
    pub next_funding_ms: i64,
}

/// The newest values of a symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Live {
    /// Best bid and ask as (price, quantity).
    pub quote: Option<Timed<[(f64, f64); 2]>>,
    /// Last trade that counts.
    pub trade: Option<Timed<LastTrade>>,
    /// Mark price.
    pub mark: Option<Timed<LastMark>>,
    /// Times of the newest change of the book.
    pub book: Option<Timed<()>>,
}

/// The book of a symbol, by its venue's rules.
#[derive(Clone, Debug)]
pub(crate) enum SymbolBook {
    Sync(BookSync),
    Okx(OkxBook),
}

/// What is remembered of one symbol.
#[derive(Clone, Debug)]
pub(crate) struct SymbolState {
    pub price_unit: f64,
    pub lot_unit: f64,
    pub book: SymbolBook,
    lanes: [Lane; 4],
    /// Newest `E` of mark prices and liquidations.
    pub mark_ms: i64,
    pub liquidation_ms: i64,
    /// Newest `E` of each interval's candles.
    pub klines: Vec<(Vec<u8>, i64)>,
    seen: (BTreeSet<i64>, VecDeque<i64>),
    /// Receive time since which a book is due, 0 while it is there or no diff has come.
    pub unsynced_ns: i64,
    pub live: Live,
    pub gaps: u64,
    pub syncs: u64,
    pub applied: u64,
    watched: Option<EventBatch>,
    trade_stream: Option<Stream>,
    trades: i64,
}

impl SymbolState {
    pub fn new(venue: Venue, scale: Scale, keep: Option<usize>, caps: BufferCaps) -> Self {
        let unit = |decimals: u32| POW10.get(decimals as usize).map_or(1e18, |unit| *unit as f64);
        Self {
            price_unit: unit(scale.price_decimals),
            lot_unit: unit(scale.qty_decimals),
            book: match venue {
                Venue::Okx => SymbolBook::Okx(OkxBook::new(scale, keep)),
                _ => SymbolBook::Sync(BookSync::with_caps(keep, caps)),
            },
            lanes: Default::default(),
            mark_ms: 0,
            liquidation_ms: 0,
            klines: Vec::new(),
            seen: (BTreeSet::new(), VecDeque::new()),
            unsynced_ns: 0,
            live: Live::default(),
            gaps: 0,
            syncs: 0,
            applied: 0,
            watched: None,
            trade_stream: None,
            trades: 0,
        }
    }

    pub fn lane(&mut self, stream: Stream) -> &mut Lane {
        let [depth, quote, trade, agg_trade] = &mut self.lanes;
        match stream {
            Stream::Depth => depth,
            Stream::Quote => quote,
            Stream::Trade => trade,
            Stream::AggTrade => agg_trade,
        }
    }

    pub fn lanes(&mut self) -> &mut [Lane; 4] {
        &mut self.lanes
    }

    /// Returns the book and where it stands.
    pub fn standing(&self) -> (&Book, SyncState) {
        match &self.book {
            SymbolBook::Sync(sync) => (sync.book(), sync.state()),
            SymbolBook::Okx(book) => (book.book(), book.state()),
        }
    }

    /// Remembers a trade id; returns whether it is new.
    pub fn see_trade(&mut self, trade_id: i64) -> bool {
        let (ids, order) = &mut self.seen;
        if !ids.insert(trade_id) {
            return false;
        }
        order.push_back(trade_id);
        if order.len() > MAX_SEEN
            && let Some(old) = order.pop_front()
        {
            ids.remove(&old);
        }
        true
    }

    /// Begins to keep events; returns those since the last call.
    pub fn take_events(&mut self) -> EventBatch {
        self.watched.replace(EventBatch::default()).unwrap_or_default()
    }

    /// Keeps an event for the watcher, if there is one; its levels are in `levels`.
    pub fn watch(&mut self, event: Event, levels: &[Level]) {
        let Some(batch) = &mut self.watched else { return };
        if batch.events.len() >= MAX_EVENTS {
            // Nobody came for them: what follows must not be joined to what is lost.
            batch.clear();
            batch.events.push(Event { body: Body::Reset, ..event });
        }
        let mut event = event;
        if let Body::Depth { bids, asks, .. }
        | Body::Snapshot { bids, asks, .. }
        | Body::Book { bids, asks, .. } = &mut event.body
        {
            *bids = batch.add_levels(part(levels, *bids).iter().copied());
            *asks = batch.add_levels(part(levels, *asks).iter().copied());
        }
        batch.events.push(event);
    }

    /// Keeps a trade for the watcher: of two trade streams the first is used.
    pub fn watch_trade(&mut self, stream: Stream, counts_itself: bool, event: Event) {
        if *self.trade_stream.get_or_insert(stream) != stream {
            return;
        }
        let mut event = event;
        if let Body::Trade { trade_id, .. } = &mut event.body
            && !counts_itself
        {
            self.trades += 1;
            *trade_id = self.trades;
        }
        self.watch(event, &[]);
    }

    pub fn set_mark(&mut self, mark: &Mark, event_ms: i64, known_ns: i64) {
        let value = LastMark {
            price: mark.price,
            index_price: mark.index_price,
            funding_frac: mark.funding_frac,
            next_funding_ms: mark.next_funding_ms,
        };
        self.live.mark = Some(Timed { value, event_ms, known_ns });
    }
}

/// Returns a part of levels; one out of bounds is empty.
pub(crate) fn part<T>(levels: &[T], range: LevelRange) -> &[T] {
    levels.get(range.start as usize..range.end as usize).unwrap_or(&[])
}
