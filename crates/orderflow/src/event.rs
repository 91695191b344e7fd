//! Normalised market events: what a wire parser or a synthetic market gives, and what book, features and matching take.

/// One price level. `price` counts 10^-p, `qty` counts 10^-q of the instrument; in a depth event `qty` 0 removes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Price as an integer of 10^-p quote units.
    pub price: i64,
    /// Absolute quantity as an integer of 10^-q base units.
    pub qty: i64,
}

/// A run of levels inside [`EventBatch::levels`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct LevelRange {
    /// Index of the first level.
    pub start: u32,
    /// Index after the last level.
    pub end: u32,
}

/// What happened, with the venue's sequence ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// A diff of the book: `U`, `u`, `pu` of Binance USD-M (`prev_final_id` is -1 where the venue sends none).
    Depth {
        /// `U`: first update id in the event.
        first_id: i64,
        /// `u`: final update id in the event.
        final_id: i64,
        /// `pu`: final update id of the event before.
        prev_final_id: i64,
        /// Changed bid levels.
        bids: LevelRange,
        /// Changed ask levels.
        asks: LevelRange,
    },
    /// A full book, as REST `depth` gives it.
    Snapshot {
        /// `lastUpdateId`.
        last_id: i64,
        /// All bid levels.
        bids: LevelRange,
        /// All ask levels.
        asks: LevelRange,
    },
    /// A whole book that stands alone and replaces the one before, as Hyperliquid's `l2Book`.
    Book {
        /// Rises from book to book; the venue's time in Unix ms where it numbers none.
        id: i64,
        /// All bid levels.
        bids: LevelRange,
        /// All ask levels.
        asks: LevelRange,
    },
    /// The connection was lost: what came before may not be carried over.
    Reset,
    /// Best quotes after a change (`bookTicker`).
    Quote {
        /// `u`: order book update id.
        update_id: i64,
        /// Best bid.
        bid: Level,
        /// Best ask.
        ask: Level,
    },
    /// One trade.
    Trade {
        /// `t`: trade id.
        trade_id: i64,
        /// Price in 10^-p.
        price: i64,
        /// Quantity in 10^-q.
        qty: i64,
        /// `m`: the buyer was the maker, so the taker sold.
        buyer_is_maker: bool,
        /// Whether the trade counts: `X` is `MARKET` (or absent) with positive price and quantity.
        is_market: bool,
    },
}

/// One event. Two times: `event_ns`, when it happened at the venue, and `known_ns`, when we could have known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Venue time: `T`, else `E`, in Unix ns (wire times are whole milliseconds).
    pub event_ns: i64,
    /// `E` in Unix ms, 0 where absent.
    pub emitted_ms: i64,
    /// Local receive time in Unix ns.
    pub known_ns: i64,
    /// What happened.
    pub body: Body,
}

/// Events in order, their levels in one shared buffer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventBatch {
    /// The events, in arrival order.
    pub events: Vec<Event>,
    /// The levels that `LevelRange`s point into.
    pub levels: Vec<Level>,
}

impl EventBatch {
    /// Returns the levels of a range; an out-of-bounds range gives none.
    pub fn levels(&self, range: LevelRange) -> &[Level] {
        self.levels.get(range.start as usize..range.end as usize).unwrap_or(&[])
    }

    /// Appends levels and returns their range.
    pub fn add_levels(&mut self, levels: impl IntoIterator<Item = Level>) -> LevelRange {
        let start = self.levels.len() as u32;
        self.levels.extend(levels);
        LevelRange { start, end: self.levels.len() as u32 }
    }

    /// Appends an event of another batch, with its levels.
    pub fn append(&mut self, event: &Event, from: &Self) {
        let mut event = *event;
        if let Body::Depth { bids, asks, .. }
        | Body::Snapshot { bids, asks, .. }
        | Body::Book { bids, asks, .. } = &mut event.body
        {
            *bids = self.add_levels(from.levels(*bids).iter().copied());
            *asks = self.add_levels(from.levels(*asks).iter().copied());
        }
        self.events.push(event);
    }

    /// Empties the batch and keeps its memory.
    pub fn clear(&mut self) {
        self.events.clear();
        self.levels.clear();
    }
}
