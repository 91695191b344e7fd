//! The synthetic market: its stream keeps the feed's rules, and its day looks like a day.
#![allow(clippy::expect_used, reason = "the reader of the feed is part of the tests")]

use orderflow::event::{Body, Event, EventBatch, Level};
use simulator::ladder::{Ladder, Side};
use simulator::market::{MarketConfig, SyntheticMarket};

const NS_PER_S: i64 = 1_000_000_000;
const HOUR_NS: i64 = 3_600 * NS_PER_S;
const START_NS: i64 = 1_700_000_000 * NS_PER_S;

fn market(seed: u64) -> SyntheticMarket {
    SyntheticMarket::new(MarketConfig { start_ns: START_NS, ..MarketConfig::default() }, seed)
}

fn hours(seed: u64, hours: i64) -> EventBatch {
    let mut batch = EventBatch::default();
    market(seed).advance(START_NS + hours * HOUR_NS, &mut batch);
    batch
}

/// Events with their levels resolved, comparable across batches.
fn resolved(batch: &EventBatch) -> Vec<(Event, Vec<Level>)> {
    batch
        .events
        .iter()
        .map(|event| match event.body {
            Body::Depth { bids, asks, first_id, final_id, prev_final_id } => {
                let levels = [batch.levels(bids), batch.levels(asks)].concat();
                let (bids, asks) = Default::default();
                (
                    Event {
                        body: Body::Depth { first_id, final_id, prev_final_id, bids, asks },
                        ..*event
                    },
                    levels,
                )
            }
            Body::Snapshot { last_id, bids, asks } => {
                let levels = [batch.levels(bids), batch.levels(asks)].concat();
                let (bids, asks) = Default::default();
                (Event { body: Body::Snapshot { last_id, bids, asks }, ..*event }, levels)
            }
            _ => (*event, Vec::new()),
        })
        .collect()
}

/// A reader of the feed as the venue's documentation tells one to read it.
#[derive(Default)]
struct Reader {
    book: Ladder,
    /// Final id of the latest diff in the book.
    book_id: Option<i64>,
    chain: Option<i64>,
    quote: Option<(i64, Level, Level)>,
    trade_id: i64,
    diffs_checked: usize,
    diffs_before_snapshot: usize,
}

impl Reader {
    fn read(&mut self, event: &Event, batch: &EventBatch) {
        match event.body {
            Body::Depth { first_id, final_id, prev_final_id, bids, asks } => {
                assert!(first_id <= final_id);
                if let Some(chain) = self.chain {
                    assert_eq!(
                        (prev_final_id, first_id),
                        (chain, chain + 1),
                        "the chain of diffs is whole"
                    );
                }
                self.chain = Some(final_id);
                let Some(book_id) = self.book_id else {
                    self.diffs_before_snapshot += 1;
                    return;
                };
                assert!(
                    prev_final_id == book_id || (first_id <= book_id && book_id <= final_id),
                    "bracketed"
                );
                self.book_id = Some(final_id);
                for (side, range) in [(Side::Buy, bids), (Side::Sell, asks)] {
                    for &level in batch.levels(range) {
                        self.book.set(side, level);
                    }
                }
                self.compare(final_id);
            }
            Body::Snapshot { last_id, bids, asks } => {
                assert!(self.book_id.is_none(), "one snapshot");
                self.book_id = Some(last_id);
                for (side, range) in [(Side::Buy, bids), (Side::Sell, asks)] {
                    for &level in batch.levels(range) {
                        self.book.set(side, level);
                    }
                }
                self.compare(last_id);
            }
            Body::Quote { update_id, bid, ask } => {
                assert!(bid.price < ask.price && bid.qty > 0 && ask.qty > 0);
                if let Some((before, old_bid, old_ask)) = self.quote {
                    assert!(update_id > before && (bid, ask) != (old_bid, old_ask));
                }
                self.quote = Some((update_id, bid, ask));
            }
            Body::Trade { trade_id, price, qty, buyer_is_maker, is_market } => {
                assert_eq!(trade_id, self.trade_id + 1);
                assert!(price > 0 && qty > 0 && is_market);
                self.trade_id = trade_id;
                if let Some((_, bid, ask)) = self.quote {
                    assert!(if buyer_is_maker { price <= bid.price } else { price >= ask.price });
                }
            }
            Body::Book { .. } | Body::Reset => unreachable!("the market keeps its connection"),
        }
    }

    fn compare(&mut self, id: i64) {
        self.diffs_checked += 1;
        assert!(!self.book.is_crossed());
        for side in [Side::Buy, Side::Sell] {
            assert!(self.book.levels(side).iter().all(|level| level.qty > 0));
            assert!(self.book.levels(side).len() >= 10, "no side runs dry");
        }
        let (update_id, bid, ask) = self.quote.expect("a quote comes first");
        assert!(update_id <= id);
        assert_eq!((self.book.best(Side::Buy), self.book.best(Side::Sell)), (Some(bid), Some(ask)));
    }
}

#[test]
fn the_book_rebuilt_from_the_feed_agrees_with_the_quotes() {
    for seed in 1..=4 {
        let batch = hours(seed, 3);
        let mut reader = Reader::default();
        let mut before = batch.events[0];
        for event in &batch.events {
            assert!(event.event_ns >= before.event_ns && event.known_ns >= before.known_ns);
            assert!((1_000_000..=6_000_000).contains(&(event.known_ns - event.event_ns)));
            assert_eq!(event.emitted_ms, event.event_ns / 1_000_000);
            reader.read(event, &batch);
            before = *event;
        }
        assert!(reader.diffs_checked > 40_000, "seed {seed}: {}", reader.diffs_checked);
        assert!(reader.diffs_before_snapshot > 0, "seed {seed}: the diffs run before the snapshot");
        assert!(reader.trade_id > 10_000, "seed {seed}: {}", reader.trade_id);
    }
}

#[test]
fn the_diff_after_the_snapshot_brackets_it() {
    for seed in 1..=50 {
        let mut batch = EventBatch::default();
        market(seed).advance(START_NS + 60 * NS_PER_S, &mut batch);
        let bodies: Vec<Body> = batch.events.iter().map(|event| event.body).collect();
        let at = bodies
            .iter()
            .position(|body| matches!(body, Body::Snapshot { .. }))
            .expect("a snapshot");
        let Body::Snapshot { last_id, .. } = bodies[at] else { unreachable!() };
        let next = bodies[at..].iter().find_map(|body| match *body {
            Body::Depth { first_id, final_id, .. } => Some((first_id, final_id)),
            _ => None,
        });
        let (first_id, final_id) = next.expect("a diff follows");
        assert!(
            first_id <= last_id && last_id <= final_id,
            "seed {seed}: {first_id} {last_id} {final_id}"
        );
    }
}

#[test]
fn a_seed_gives_one_stream_and_another_seed_another() {
    let one = hours(3, 1);
    assert_eq!(one, hours(3, 1));
    assert_ne!(one, hours(4, 1));
}

/// A digest (FNV-1a) of an hour: other events from the same seed are another generator, to be named so.
#[test]
fn the_events_of_a_seed_are_pinned() {
    let batch = hours(1, 1);
    let text = format!("{:?}", resolved(&batch));
    let digest = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    assert_eq!((batch.events.len(), digest), (47_669, 11_773_437_948_415_506_988));
}

#[test]
fn the_stream_does_not_depend_on_how_time_is_cut() {
    let whole = resolved(&hours(5, 1));
    for chunk_ns in [7_777_777, 100_000_000, 61 * NS_PER_S] {
        let (mut market, mut batch, mut pieces) = (market(5), EventBatch::default(), Vec::new());
        let mut now_ns = START_NS - NS_PER_S;
        while now_ns < START_NS + HOUR_NS {
            now_ns = (now_ns + chunk_ns).min(START_NS + HOUR_NS);
            batch.clear();
            market.advance(now_ns, &mut batch);
            assert!(batch.events.iter().all(|event| event.event_ns < now_ns));
            pieces.extend(resolved(&batch));
        }
        assert!(whole == pieces, "chunks of {chunk_ns} ns");
    }
}

/// Bid plus ask at the end of each of `step_s` seconds.
fn closes(batch: &EventBatch, step_s: i64) -> Vec<f64> {
    let (mut closes, mut mid2) = (Vec::new(), 0);
    for event in &batch.events {
        while event.event_ns > START_NS + closes.len() as i64 * step_s * NS_PER_S {
            closes.push(mid2 as f64);
        }
        if let Body::Quote { bid, ask, .. } = event.body {
            mid2 = bid.price + ask.price;
        }
    }
    closes
}

fn kurtosis(returns: &[f64]) -> f64 {
    let mean = returns.iter().sum::<f64>() / returns.len() as f64;
    let moment = |n| returns.iter().map(|r| (r - mean).powi(n)).sum::<f64>() / returns.len() as f64;
    moment(4) / (moment(2) * moment(2))
}

#[test]
fn a_day_has_the_stylised_facts() {
    for seed in 1..=3 {
        let batch = hours(seed, 24);
        assert!(
            (850_000..1_750_000).contains(&batch.events.len()),
            "seed {seed}: {}",
            batch.events.len()
        );

        let minutes = closes(&batch, 60);
        let returns: Vec<f64> = minutes.windows(2).skip(1).map(|w| w[1] / w[0] - 1.0).collect();
        assert!(kurtosis(&returns) > 3.0, "seed {seed}: kurtosis {}", kurtosis(&returns));

        let signs: Vec<f64> = batch
            .events
            .iter()
            .filter_map(|event| match event.body {
                Body::Trade { buyer_is_maker, .. } => Some(if buyer_is_maker { -1.0 } else { 1.0 }),
                _ => None,
            })
            .collect();
        let lag_one = signs.windows(2).map(|w| w[0] * w[1]).sum::<f64>() / (signs.len() - 1) as f64;
        assert!(lag_one > 0.1, "seed {seed}: autocorrelation of signs {lag_one}");

        let mut spreads: Vec<i64> = batch
            .events
            .iter()
            .filter_map(|event| match event.body {
                Body::Quote { bid, ask, .. } => Some(ask.price - bid.price),
                _ => None,
            })
            .collect();
        spreads.sort_unstable();
        assert!(
            spreads[spreads.len() / 2] <= 3 && spreads[spreads.len() * 9 / 10] <= 4,
            "seed {seed}"
        );

        let mids: Vec<f64> = closes(&batch, 1).into_iter().skip(1).collect();
        let high = mids.iter().copied().fold(f64::MIN, f64::max);
        let low = mids.iter().copied().fold(f64::MAX, f64::min);
        let range = high / low - 1.0;
        assert!((0.015..0.07).contains(&range), "seed {seed}: range {range}");
    }
}

#[test]
fn the_price_stays_near_its_start_for_days() {
    let mut market = market(11);
    let mut batch = EventBatch::default();
    let (mut high, mut low) = (i64::MIN, i64::MAX);
    for hour in 1..=72 {
        batch.clear();
        market.advance(START_NS + hour * HOUR_NS, &mut batch);
        for event in &batch.events {
            if let Body::Quote { bid, .. } = event.body {
                high = high.max(bid.price);
                low = low.min(bid.price);
            }
        }
    }
    assert!(high < 12_000 && low > 8_000, "{low} to {high}");
    assert!(high - low > 200, "{low} to {high}");
}
