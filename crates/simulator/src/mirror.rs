//! The venue's picture of the displayed book, less what our own takers have eaten.

use orderflow::event::{Body, Event, EventBatch, Level, LevelRange};

use crate::ladder::{Ladder, Side};

/// Diffs kept for a snapshot that has not come; older ones cannot be of use to any snapshot served in time.
const MAX_WAITING: usize = 10_000;

/// Whether a taker's fills stay taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Impact {
    /// Eaten lots are gone until the feed next tells that level.
    #[default]
    Consume,
    /// The book stays as displayed.
    None,
}

/// The displayed book from snapshots, diffs and quotes.
///
/// Before the first snapshot, and after a gap in the diffs until the next one, only the best quotes are known.
#[derive(Clone, Debug, Default)]
pub struct Mirror {
    ladder: Ladder,
    impact: Impact,
    /// Latest quote: update id, bid, ask.
    quote: Option<(i64, Level, Level)>,
    last_id: i64,
    is_synced: bool,
    /// The quotes were made from trades: nobody showed them.
    is_guessed: bool,
    waiting: EventBatch,
}

impl Mirror {
    /// Returns an empty mirror.
    pub fn new(impact: Impact) -> Self {
        Self { impact, ..Self::default() }
    }

    /// Returns the best level of a side that is left for a taker.
    pub fn best(&self, side: Side) -> Option<Level> {
        self.ladder.best(side)
    }

    /// Returns the book as it is left.
    pub fn ladder(&self) -> &Ladder {
        &self.ladder
    }

    /// Returns whether depth is known, not only the best quotes.
    pub fn is_synced(&self) -> bool {
        self.is_synced
    }

    /// Returns the id of the last snapshot or diff in the book.
    pub(crate) fn last_id(&self) -> i64 {
        self.last_id
    }

    /// Returns the latest quote: update id, bid, ask.
    pub(crate) fn quote(&self) -> Option<(i64, Level, Level)> {
        self.quote
    }

    /// Returns twice the mark, which is the mid of the best quotes: of the latest quote, or of the book in a feed
    /// without quotes. Our own fills do not move a quote.
    pub fn mark2(&self) -> Option<i64> {
        match self.quote {
            Some((_, bid, ask)) => Some(bid.price + ask.price),
            None => Some(self.best(Side::Buy)?.price + self.best(Side::Sell)?.price),
        }
    }

    /// Takes one event of the feed; `batch` holds its levels. Trades change nothing: the book's own events follow.
    pub fn apply(&mut self, event: &Event, batch: &EventBatch) {
        match event.body {
            Body::Depth { .. } if !self.is_synced => self.wait(event, batch),
            Body::Depth { .. } => self.diff(event, batch),
            Body::Snapshot { last_id, bids, asks } => self.snapshot(last_id, bids, asks, batch),
            Body::Quote { update_id, bid, ask } => self.quoted(update_id, bid, ask),
            Body::Book { id, bids, asks } => self.snapshot(id, bids, asks, batch),
            Body::Reset => self.forget(),
            Body::Trade { .. } => {}
        }
    }

    /// Empties the book: what comes next starts anew.
    pub fn forget(&mut self) {
        *self = Self::new(self.impact);
    }

    /// Sets one level of a feed that tells levels one by one, without ids. What it crosses is gone.
    pub fn set_level(&mut self, side: Side, level: Level) {
        self.is_synced = true;
        self.is_guessed = false;
        if level.qty > 0 {
            self.uncross(side, level.price);
        }
        self.ladder.set(side, level);
    }

    /// Sets the best level of a side of a feed that tells no more than that.
    pub fn set_best(&mut self, side: Side, best: Level) {
        self.is_synced = false;
        if std::mem::take(&mut self.is_guessed) {
            self.ladder.clear(side.opposite());
        }
        self.uncross(side, best.price);
        self.ladder.clear(side);
        self.ladder.set(side, best);
    }

    /// Takes a trade of a feed that tells no book: the taker met `qty` lots at `price`, and the other side is guessed to
    /// be `spread` away.
    pub fn guess(&mut self, price: i64, qty: i64, taker: Side, spread: i64) {
        self.is_guessed = true;
        for (side, price) in [(taker.opposite(), price), (taker, price - taker.sign() * spread)] {
            self.ladder.clear(side);
            self.ladder.set(side, Level { price, qty });
        }
    }

    /// Returns whether the feed has told no level of either side yet.
    pub fn tells_nothing(&self) -> bool {
        !self.is_synced && [Side::Buy, Side::Sell].iter().all(|&side| self.best(side).is_none())
    }

    /// Returns whether the book was guessed from trades.
    pub fn is_guessed(&self) -> bool {
        self.is_guessed
    }

    /// Returns the displayed lots at a price, none where the feed does not tell.
    pub fn displayed(&self, side: Side, price: i64) -> Option<i64> {
        if self.is_synced {
            return Some(self.ladder.qty_at(side, price));
        }
        let best = self.best(side).filter(|_| !self.is_guessed)?;
        match side.reaches(price, best.price) {
            true if price == best.price => Some(best.qty),
            true => Some(0),
            false => None,
        }
    }

    /// Eats displayed lots at a price, as our takers do.
    pub fn eat(&mut self, side: Side, price: i64, qty: i64) {
        if self.impact == Impact::Consume {
            let left = self.ladder.qty_at(side, price) - qty;
            self.ladder.set(side, Level { price, qty: left });
        }
    }

    /// Returns whether what is eaten is gone.
    pub fn is_consumed(&self) -> bool {
        self.impact == Impact::Consume
    }

    fn uncross(&mut self, side: Side, price: i64) {
        self.ladder.crop(side.opposite(), price.saturating_add(side.sign()));
    }

    /// Lets a taker of `side` take up to `qty` lots at `limit` or better, and appends each level's share to `fills`.
    pub fn take(&mut self, side: Side, limit: Option<i64>, qty: i64, fills: &mut Vec<Level>) {
        let from = fills.len();
        let mut rest = qty;
        for level in self.ladder.levels(side.opposite()).iter().rev() {
            if rest <= 0 || limit.is_some_and(|limit| !side.reaches(limit, level.price)) {
                break;
            }
            let taken = rest.min(level.qty);
            rest -= taken;
            fills.push(Level { price: level.price, qty: taken });
        }
        if self.impact == Impact::Consume {
            for fill in &fills[from..] {
                let left = self.ladder.qty_at(side.opposite(), fill.price) - fill.qty;
                self.ladder.set(side.opposite(), Level { price: fill.price, qty: left });
            }
        }
    }

    fn wait(&mut self, event: &Event, batch: &EventBatch) {
        let Body::Depth { first_id, final_id, prev_final_id, bids, asks } = event.body else {
            return;
        };
        if self.waiting.events.len() >= MAX_WAITING {
            self.waiting.clear();
        }
        let bids = self.waiting.add_levels(batch.levels(bids).iter().copied());
        let asks = self.waiting.add_levels(batch.levels(asks).iter().copied());
        let body = Body::Depth { first_id, final_id, prev_final_id, bids, asks };
        self.waiting.events.push(Event { body, ..*event });
    }

    fn diff(&mut self, event: &Event, batch: &EventBatch) {
        let Body::Depth { first_id, final_id, prev_final_id, bids, asks } = event.body else {
            return;
        };
        if final_id <= self.last_id {
            return;
        }
        if prev_final_id != self.last_id && first_id > self.last_id + 1 {
            return self.lose_sync(event, batch);
        }
        self.last_id = final_id;
        for (side, range) in [(Side::Buy, bids), (Side::Sell, asks)] {
            let levels = batch.levels(range);
            for &level in levels {
                self.ladder.set(side, level);
            }
            // A quote may run ahead of the diffs: what it said then stands.
            if let Some(best) = self.quoted_after(final_id, side) {
                self.ladder.crop(side, best.price);
                if levels.iter().any(|level| level.price == best.price) {
                    self.ladder.set(side, best);
                }
            }
        }
    }

    fn quoted_after(&self, id: i64, side: Side) -> Option<Level> {
        let (_, bid, ask) = self.quote.filter(|&(update_id, ..)| update_id > id)?;
        Some(if side == Side::Buy { bid } else { ask })
    }

    fn lose_sync(&mut self, event: &Event, batch: &EventBatch) {
        self.is_synced = false;
        for side in [Side::Buy, Side::Sell] {
            self.ladder.clear(side);
            if let Some(best) = self.quoted_after(i64::MIN, side) {
                self.ladder.set(side, best);
            }
        }
        self.wait(event, batch);
    }

    fn snapshot(&mut self, last_id: i64, bids: LevelRange, asks: LevelRange, batch: &EventBatch) {
        self.last_id = last_id;
        self.is_synced = true;
        for (side, range) in [(Side::Buy, bids), (Side::Sell, asks)] {
            self.ladder.clear(side);
            for &level in batch.levels(range) {
                self.ladder.set(side, level);
            }
            if let Some(best) = self.quoted_after(last_id, side) {
                self.ladder.crop(side, best.price);
                self.ladder.set(side, best);
            }
        }
        let waiting = std::mem::take(&mut self.waiting);
        for event in &waiting.events {
            self.apply(event, &waiting);
        }
    }

    fn quoted(&mut self, update_id: i64, bid: Level, ask: Level) {
        let is_stale = self.quote.is_some_and(|(known, ..)| update_id < known);
        if is_stale || bid.price >= ask.price {
            return;
        }
        let before = self.quote.replace((update_id, bid, ask));
        if self.is_synced && update_id < self.last_id {
            return;
        }
        let known = before.map_or([None, None], |(_, bid, ask)| [Some(bid), Some(ask)]);
        for (side, best, known) in [(Side::Buy, bid, known[0]), (Side::Sell, ask, known[1])] {
            // A side that the quote only repeats says nothing about what we ate there.
            if known == Some(best) {
                continue;
            }
            if self.is_synced {
                self.ladder.crop(side, best.price);
            } else {
                self.ladder.clear(side);
            }
            self.ladder.set(side, best);
        }
    }
}
