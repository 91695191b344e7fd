//! OKX's book: pushes chained by `prevSeqId`, and checked by a CRC32 over the texts of the best 25 levels a side.
//!
//! Source: OKX API documentation, "Order book channel" and "Checksum". A heartbeat repeats its `seqId` as `prevSeqId`; after
//! maintenance `seqId` may fall, and the chain still holds. A checksum of 0 means that the venue no longer computes it.

use std::collections::BTreeMap;

use crate::book::Book;
use crate::event::Level;
use crate::okx::Spelling;
use crate::scan::{POW10, Scale};
use crate::sync::{Gap, SyncState};

/// Levels a side that the checksum covers.
const CHECKED_LEVELS: usize = 25;

/// One push of `books`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Push<'a> {
    pub is_snapshot: bool,
    pub id: i64,
    pub prev_id: i64,
    pub checksum: Option<i32>,
    pub event_ms: i64,
    pub bids: (&'a [Level], &'a [Spelling]),
    pub asks: (&'a [Level], &'a [Spelling]),
}

/// What a push did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The book is the venue's again.
    Synced,
    /// The book moved on.
    Applied,
    /// Nothing changed: a heartbeat, a repeat, or an update without a book.
    Idle,
    /// The chain broke.
    Broken(Gap),
    /// The checksum is another.
    Mismatch(Gap),
    /// Bid met ask.
    Crossed(Gap),
}

/// A book kept in step with OKX.
#[derive(Clone, Debug)]
pub(crate) struct OkxBook {
    book: Book,
    scale: Scale,
    state: SyncState,
    last_id: i64,
    last_ms: i64,
    keep_levels: Option<usize>,
    applied: u64,
    /// Levels (bid?, price) that were not written in the shortest way, and how they were.
    odd: BTreeMap<(bool, i64), Spelling>,
    text: Vec<u8>,
}

impl OkxBook {
    pub fn new(scale: Scale, keep_levels: Option<usize>) -> Self {
        Self {
            book: Book::default(),
            scale,
            state: SyncState::Buffering,
            last_id: -1,
            last_ms: 0,
            // Fewer would leave the checksum without its levels.
            keep_levels: keep_levels.map(|keep| keep.max(400)),
            applied: 0,
            odd: BTreeMap::new(),
            text: Vec::new(),
        }
    }

    pub fn book(&self) -> &Book {
        &self.book
    }

    pub fn state(&self) -> SyncState {
        self.state
    }

    /// Forgets the book; returns the hole if there was one to lose.
    pub fn reset(&mut self, at_ms: i64) -> Option<Gap> {
        let was_synced = self.state == SyncState::Synced;
        self.state = SyncState::Buffering;
        was_synced.then_some(self.gap(-1, at_ms))
    }

    pub fn push(&mut self, push: &Push<'_>) -> Outcome {
        if push.is_snapshot {
            self.book.clear();
            self.odd.clear();
        } else {
            if self.state != SyncState::Synced {
                return Outcome::Idle;
            }
            let unchained = push.id < 0;
            if !unchained && push.prev_id != self.last_id {
                if push.id <= self.last_id && push.event_ms <= self.last_ms {
                    return Outcome::Idle;
                }
                return Outcome::Broken(self.lose(push));
            }
            if !unchained && push.id == push.prev_id {
                return Outcome::Idle;
            }
        }
        self.apply(push);
        let synced = push.is_snapshot && self.state != SyncState::Synced;
        if self.book.is_crossed() {
            return Outcome::Crossed(self.lose(push));
        }
        if push.checksum.is_some_and(|sum| sum != self.checksum()) {
            return Outcome::Mismatch(self.lose(push));
        }
        self.state = SyncState::Synced;
        (self.last_id, self.last_ms) = (push.id, push.event_ms);
        if synced { Outcome::Synced } else { Outcome::Applied }
    }

    fn gap(&self, to_u: i64, to_ms: i64) -> Gap {
        Gap { from_u: self.last_id, to_u, from_ms: self.last_ms, to_ms }
    }

    fn lose(&mut self, push: &Push<'_>) -> Gap {
        self.state = SyncState::Buffering;
        self.gap(push.id, push.event_ms)
    }

    fn apply(&mut self, push: &Push<'_>) {
        self.book.apply(push.bids.0, push.asks.0);
        for (is_bid, (levels, spellings)) in [(true, push.bids), (false, push.asks)] {
            for (level, spelling) in levels.iter().zip(spellings) {
                let key = (is_bid, level.price);
                if level.qty == 0 || *spelling == self.shortest(*level) {
                    self.odd.remove(&key);
                } else {
                    self.odd.insert(key, *spelling);
                }
            }
        }
        self.applied += 1;
        if let Some(keep) = self.keep_levels
            && self.applied.is_multiple_of(1_024)
        {
            self.book.prune(keep);
        }
    }

    fn shortest(&self, level: Level) -> Spelling {
        let of = |value: i64, decimals: u32| {
            let mut left = decimals;
            let mut value = value;
            while left > 0 && value % 10 == 0 {
                value /= 10;
                left -= 1;
            }
            left as u8
        };
        (of(level.price, self.scale.price_decimals), of(level.qty, self.scale.qty_decimals))
    }

    /// Returns the CRC32 of `bid:qty:ask:qty:…` over the best levels, as the signed number that OKX sends.
    fn checksum(&mut self) -> i32 {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        let (mut bids, mut asks) = (self.book.bids(), self.book.asks());
        for _ in 0..CHECKED_LEVELS {
            for (is_bid, level) in [(true, bids.next()), (false, asks.next())] {
                let Some(level) = level else { continue };
                let spelling = self.odd.get(&(is_bid, level.price)).copied();
                let (price, qty) = spelling.unwrap_or_else(|| self.shortest(level));
                write(&mut text, level.price, self.scale.price_decimals, price);
                write(&mut text, level.qty, self.scale.qty_decimals, qty);
            }
        }
        text.pop();
        let sum = crc32(&text);
        self.text = text;
        sum.cast_signed()
    }
}

/// Appends a number of 10^-`scale` with so many `decimals`, and a colon.
fn write(text: &mut Vec<u8>, value: i64, scale: u32, decimals: u8) {
    let decimals = u32::from(decimals);
    let pow = |n: u32| POW10.get(n as usize).copied().unwrap_or(1);
    // Decimals beyond the scale are zeros.
    let zeros = decimals.saturating_sub(scale);
    let shown = decimals - zeros;
    let value = value / pow(scale - shown.min(scale));
    push_digits(text, value / pow(shown), 1);
    if decimals > 0 {
        text.push(b'.');
        if shown > 0 {
            push_digits(text, value % pow(shown), shown as usize);
        }
        text.extend((0..zeros).map(|_| b'0'));
    }
    text.push(b':');
}

fn push_digits(text: &mut Vec<u8>, value: i64, width: usize) {
    let start = text.len();
    let mut left = value.max(0);
    while left > 0 || text.len() < start + width {
        text.push(b'0' + (left % 10) as u8);
        left /= 10;
    }
    if let Some(digits) = text.get_mut(start..) {
        digits.reverse();
    }
}

/// CRC-32 of ISO 3309.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0_u32; 256];
        let mut at = 0;
        while at < 256 {
            let mut sum = at as u32;
            let mut bit = 0;
            while bit < 8 {
                sum = if sum & 1 == 1 { (sum >> 1) ^ 0xEDB8_8320 } else { sum >> 1 };
                bit += 1;
            }
            table[at] = sum;
            at += 1;
        }
        table
    };
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        let index = (sum ^ u32::from(*byte)) & 255;
        (sum >> 8) ^ TABLE.get(index as usize).copied().unwrap_or(0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALE: Scale = Scale { price_decimals: 2, qty_decimals: 3 };

    fn push(ids: (i64, i64), checksum: Option<i32>, bids: &[Level]) -> Push<'_> {
        const ASK: &[Level] = &[Level { price: 10_010, qty: 2_000 }];
        Push {
            is_snapshot: ids.0 < 0,
            prev_id: ids.0,
            id: ids.1,
            checksum,
            event_ms: ids.1,
            bids: (bids, &[(2, 1), (2, 1)]),
            asks: (ASK, &[(1, 0)]),
        }
    }

    #[test]
    fn the_checksum_is_over_the_texts_as_written() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        let mut book = OkxBook::new(SCALE, None);
        // 99.50 and 0.5 as written: the price in more decimals than it needs.
        let bids = [Level { price: 9_950, qty: 500 }];
        let sum = crc32(b"99.50:0.5:100.1:2").cast_signed();
        assert_eq!(book.push(&push((-1, 7), Some(sum), &bids)), Outcome::Synced);
        let other = crc32(b"99.5:0.5:100.1:2").cast_signed();
        let gap = Gap { from_u: 7, to_u: 8, from_ms: 7, to_ms: 8 };
        assert_eq!(book.push(&push((7, 8), Some(other), &bids)), Outcome::Mismatch(gap));
        assert_eq!(book.push(&push((8, 9), None, &bids)), Outcome::Idle);
    }

    #[test]
    fn updates_chain_by_the_id_before() {
        let mut book = OkxBook::new(SCALE, None);
        let bids = [Level { price: 9_950, qty: 500 }];
        assert_eq!(book.push(&push((4, 5), None, &bids)), Outcome::Idle);
        assert_eq!(book.push(&push((-1, 7), None, &bids)), Outcome::Synced);
        assert_eq!(book.push(&push((7, 9), None, &bids)), Outcome::Applied);
        assert_eq!(book.push(&push((7, 9), None, &bids)), Outcome::Idle);
        assert_eq!(book.push(&push((9, 9), None, &[])), Outcome::Idle);
        // After maintenance the ids begin anew, and the chain holds.
        assert_eq!(book.push(&push((9, 3), None, &bids)), Outcome::Applied);
        let gap = Gap { from_u: 3, to_u: 12, from_ms: 3, to_ms: 12 };
        assert_eq!(book.push(&push((11, 12), None, &bids)), Outcome::Broken(gap));
        assert_eq!(book.state(), SyncState::Buffering);
    }

    #[test]
    fn numbers_are_written_with_the_decimals_asked_for() {
        let cases = [(9_950, 2, 2, "99.50:"), (9_950, 2, 1, "99.5:"), (5, 3, 3, "0.005:")];
        for (value, scale, decimals, wanted) in cases {
            let mut text = Vec::new();
            write(&mut text, value, scale, decimals);
            assert_eq!(String::from_utf8_lossy(&text), wanted);
        }
        let mut text = Vec::new();
        write(&mut text, 500, 1, 3);
        write(&mut text, 500, 1, 0);
        assert_eq!(String::from_utf8_lossy(&text), "50.000:50:");
    }
}
