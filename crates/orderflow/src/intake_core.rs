//! The intake's memory, and what each kind of message does to it.

use crate::event::{Body, Event, Level};
use crate::frame::{MAX_CLOCK_DISTANCE_MS, NS_PER_MS};
use crate::intake::{IntakeConfig, Sockets};
use crate::intake_rows::{BookFrame, GapReason, Taken};
use crate::intake_stats::{Counts, IntakeStats, SymbolStats};
use crate::intake_symbol::{LastTrade, Stream, SymbolBook, SymbolState, Timed, part};
use crate::lane::{Verdict, Waiting};
use crate::message::{Candle, Content, Mark, Times};
use crate::okx::Spelling;
use crate::okx_book::Push;
use crate::rows::{
    KIND_AGG_TRADE, KIND_KLINE, KIND_LIQUIDATION, KIND_MARK, KIND_TRADE, Row, SIDE_BUY, SIDE_SELL,
};
use crate::symbol_table::Instrument;
use crate::sync::{Change, Diff, Gap, SyncState};
use crate::venue::Venue;

/// Lags kept for the percentiles.
const MAX_LAGS: usize = 4_096;

/// Candle intervals remembered of one symbol.
const MAX_INTERVALS: usize = 64;

/// A line on its way in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival<'a> {
    pub known_ns: i64,
    pub socket: u32,
    /// The line and what follows it.
    pub text: &'a [u8],
}

/// The memory of an intake.
#[derive(Clone, Debug)]
pub(crate) struct Core {
    venue: Venue,
    pub book_layer: bool,
    pub symbols: Vec<SymbolState>,
    pub sockets: Sockets,
    pub counts: Counts,
    pub taken: Taken,
    /// Messages that wait for a leading socket; an upper bound.
    pub waiting: usize,
    pub clock_ns: i64,
    lags_ms: Vec<i64>,
    next_lag: usize,
    /// Low byte of the socket whose message is read.
    row_socket: u8,
    pub changes: Vec<Change>,
}

impl Core {
    pub fn new(config: &IntakeConfig) -> Self {
        let symbol = |instrument: &Instrument| {
            SymbolState::new(config.venue, instrument.scale, config.keep_levels, config.caps)
        };
        Self {
            venue: config.venue,
            book_layer: config.book_layer,
            symbols: config.instruments.iter().map(symbol).collect(),
            sockets: Sockets::new(),
            counts: Counts::default(),
            taken: Taken::default(),
            waiting: 0,
            clock_ns: 0,
            lags_ms: Vec::new(),
            next_lag: 0,
            row_socket: 0,
            changes: Vec::new(),
        }
    }

    /// Takes all rows, holes and faults.
    pub fn take(&mut self) -> Taken {
        self.counts.rows += self.taken.rows.columns.len() as u64;
        self.name_socket(self.row_socket);
        std::mem::take(&mut self.taken)
    }

    /// Gives the rows so far to the socket that brought them, and what follows to `next`.
    fn name_socket(&mut self, next: u8) {
        let rows = &mut self.taken.rows;
        rows.socket.resize(rows.columns.len(), self.row_socket);
        self.row_socket = next;
    }

    /// Counts a message of a symbol that is not ours, or of none.
    pub fn pass_over(&mut self, _symbol: &[u8]) -> Result<(), String> {
        self.counts.unused += 1;
        Ok(())
    }

    pub fn stats(&self, instruments: &[Instrument]) -> IntakeStats {
        let mut lags = self.lags_ms.clone();
        lags.sort_unstable();
        let at = |frac: f64| lags.get((lags.len() as f64 * frac) as usize).copied();
        let pairs = instruments.iter().zip(&self.symbols);
        IntakeStats {
            counts: Counts {
                rows: self.counts.rows + self.taken.rows.columns.len() as u64,
                ..self.counts
            },
            lag_p50_ms: at(0.5),
            lag_p99_ms: at(0.99),
            clock_ns: self.clock_ns,
            offsets_ms: self
                .sockets
                .iter()
                .filter_map(|(socket, offset)| Some((*socket, offset.offset_ms()?)))
                .collect(),
            symbols: pairs
                .map(|(instrument, state)| SymbolStats {
                    symbol: instrument.symbol.clone(),
                    state: state.standing().1,
                    unsynced_ns: state.unsynced_ns,
                    syncs: state.syncs,
                    gaps: state.gaps,
                    applied: state.applied,
                })
                .collect(),
        }
    }

    /// Loses a symbol's book: its connection is gone.
    pub fn reset(&mut self, index: usize) {
        let known_ns = self.clock_ns;
        let Some(state) = self.symbols.get_mut(index) else { return };
        let at_ms = state.lane(Stream::Depth).last_ms().unwrap_or(0);
        for lane in state.lanes() {
            lane.reset();
        }
        let gap = match &mut state.book {
            SymbolBook::Sync(sync) => {
                let was_synced = sync.state() == SyncState::Synced;
                self.changes.clear();
                sync.reset(at_ms, &mut self.changes);
                match self.changes.pop() {
                    Some(Change::Lost(gap)) if was_synced => Some(gap),
                    _ => None,
                }
            }
            SymbolBook::Okx(book) => book.reset(at_ms),
        };
        let body = Body::Reset;
        let event_ns = at_ms.saturating_mul(NS_PER_MS);
        state.watch(Event { event_ns, emitted_ms: 0, known_ns, body }, &[]);
        if let Some(gap) = gap {
            state.unsynced_ns = known_ns;
            self.record(index, gap, GapReason::Reset, known_ns);
        }
    }

    /// Takes one message.
    pub fn handle(
        &mut self,
        index: usize,
        arrival: Arrival<'_>,
        times: Times,
        content: &Content<'_>,
        levels: &[Level],
        spellings: &[Spelling],
    ) -> Result<(), String> {
        let known_ns = arrival.known_ns;
        self.name_socket((arrival.socket & 0xff) as u8);
        let event_ms = self.event_ms(&arrival, times);
        let emitted_ms = times.emitted_ms;
        let event = |body: Body| {
            let event_ns = event_ms.saturating_mul(NS_PER_MS);
            Event { event_ns, emitted_ms, known_ns, body }
        };
        let sane_time =
            event_ms.abs_diff(known_ns / NS_PER_MS) <= MAX_CLOCK_DISTANCE_MS.unsigned_abs();
        let bad_time = || {
            let recv_ms = known_ns / NS_PER_MS;
            Err(format!(
                "book time {event_ms} is more than {MAX_CLOCK_DISTANCE_MS} ms from the receive time {recv_ms}"
            ))
        };
        let frame = |seq, is_snapshot| BookFrame {
            symbol: index,
            ts_ms: event_ms,
            known_ns,
            seq,
            is_snapshot,
        };
        let row = Row { ts_ms: event_ms, event_ms: emitted_ms, known_ns, ..Row::default() };
        match *content {
            Content::Depth { first_id, final_id, prev_final_id, bids, asks } => {
                if !sane_time {
                    return bad_time();
                }
                if !self.is_next(index, Stream::Depth, final_id, emitted_ms, &arrival) {
                    return Ok(());
                }
                let seq = (first_id, final_id, prev_final_id);
                let (bid_levels, ask_levels) = (part(levels, bids), part(levels, asks));
                self.layer(&frame(seq, false), bid_levels, ask_levels);
                let Some(state) = self.symbols.get_mut(index) else { return Ok(()) };
                let body = Body::Depth { first_id, final_id, prev_final_id, bids, asks };
                state.watch(event(body), levels);
                if let SymbolBook::Sync(sync) = &mut state.book {
                    let (bids, asks) = (bid_levels, ask_levels);
                    let diff = Diff { first_id, final_id, prev_final_id, event_ms, bids, asks };
                    sync.on_diff(&diff, &mut self.changes);
                }
                self.after_book(index, &row, seq);
            }
            Content::Snapshot { last_id, bids, asks } => {
                let (bid_levels, ask_levels) = (part(levels, bids), part(levels, asks));
                self.layer(&frame((-1, last_id, -1), true), bid_levels, ask_levels);
                let Some(state) = self.symbols.get_mut(index) else { return Ok(()) };
                state.watch(event(Body::Snapshot { last_id, bids, asks }), levels);
                if let SymbolBook::Sync(sync) = &mut state.book {
                    sync.on_snapshot(last_id, bid_levels, ask_levels, &mut self.changes);
                }
                self.after_book(index, &row, (-1, last_id, -1));
            }
            Content::Book { id, bids, asks } => {
                if !sane_time {
                    return bad_time();
                }
                if !self.is_next(index, Stream::Depth, id, emitted_ms, &arrival) {
                    return Ok(());
                }
                let (bid_levels, ask_levels) = (part(levels, bids), part(levels, asks));
                self.layer(&frame((-1, id, -1), true), bid_levels, ask_levels);
                let Some(state) = self.symbols.get_mut(index) else { return Ok(()) };
                state.watch(event(Body::Book { id, bids, asks }), levels);
                if let SymbolBook::Sync(sync) = &mut state.book {
                    sync.on_book(id, event_ms, bid_levels, ask_levels, &mut self.changes);
                }
                self.after_book(index, &row, (-1, id, -1));
            }
            Content::Chained { is_snapshot, id, prev_id, checksum, bids, asks } => {
                if !sane_time {
                    return bad_time();
                }
                let ordered = !is_snapshot && id >= 0;
                if ordered && !self.is_next(index, Stream::Depth, id, emitted_ms, &arrival) {
                    return Ok(());
                }
                let seq = (-1, id, prev_id);
                self.layer(&frame(seq, is_snapshot), part(levels, bids), part(levels, asks));
                let bids = (part(levels, bids), part(spellings, bids));
                let asks = (part(levels, asks), part(spellings, asks));
                let push = Push { is_snapshot, id, prev_id, checksum, event_ms, bids, asks };
                self.push_okx(index, &push, &row);
            }
            Content::Quote { update_id, bid, ask } => {
                if !self.is_next(index, Stream::Quote, update_id, emitted_ms, &arrival) {
                    return Ok(());
                }
                let Some(state) = self.symbols.get_mut(index) else { return Ok(()) };
                let quote = Row::quote(bid, ask, state.price_unit, state.lot_unit);
                if sane_time && 0 < bid.price && bid.price < ask.price && bid.qty.min(ask.qty) >= 0
                {
                    let value = [(quote.bid, quote.bid_qty), (quote.ask, quote.ask_qty)];
                    state.live.quote = Some(Timed { value, event_ms, known_ns });
                    state.watch(event(Body::Quote { update_id, bid, ask }), &[]);
                }
                let row = Row {
                    ts_ms: event_ms,
                    event_ms: emitted_ms,
                    known_ns,
                    seq_last: update_id,
                    ..quote
                };
                self.taken.rows.push(index, &row, -1);
            }
            Content::Trade { is_aggregate, trade_id, price, qty, buyer_is_maker, on_market } => {
                let stream = if is_aggregate { Stream::AggTrade } else { Stream::Trade };
                let rises = self.venue != Venue::Hyperliquid;
                if !self.is_new_trade(index, stream, trade_id, &arrival, times, event_ms) {
                    return Ok(());
                }
                let Some(state) = self.symbols.get_mut(index) else { return Ok(()) };
                let row = Row {
                    kind: if is_aggregate { KIND_AGG_TRADE } else { KIND_TRADE },
                    price: price as f64 / state.price_unit,
                    qty: qty as f64 / state.lot_unit,
                    side: if buyer_is_maker { SIDE_SELL } else { SIDE_BUY },
                    is_maker: i8::from(buyer_is_maker),
                    seq_last: trade_id,
                    ..row
                };
                let is_market = on_market && price > 0 && qty > 0;
                if sane_time && price >= 0 && qty >= 0 {
                    let body = Body::Trade { trade_id, price, qty, buyer_is_maker, is_market };
                    state.watch_trade(stream, rises, event(body));
                    // What fills a hole is older than the last.
                    let fills = state.lane(stream).last_key().is_some_and(|last| trade_id < last);
                    if is_market && !fills {
                        let value = LastTrade { price: row.price, qty: row.qty, buyer_is_maker };
                        state.live.trade = Some(Timed { value, event_ms, known_ns });
                    }
                }
                self.taken.rows.push(index, &row, i8::from(on_market));
            }
            Content::Mark(mark) => self.mark(index, &mark, row, sane_time),
            Content::Liquidation { price, qty, is_buy } => {
                let Some(state) = self.symbols.get_mut(index) else { return Ok(()) };
                if emitted_ms <= state.liquidation_ms {
                    self.counts.repeats += 1;
                    return Ok(());
                }
                if sane_time {
                    state.liquidation_ms = emitted_ms;
                }
                let row = Row {
                    kind: KIND_LIQUIDATION,
                    price: price as f64 / state.price_unit,
                    qty: qty as f64 / state.lot_unit,
                    side: if is_buy { SIDE_BUY } else { SIDE_SELL },
                    ..row
                };
                self.taken.rows.push(index, &row, -1);
            }
            Content::Kline(candle) => self.kline(index, &candle, row, sane_time),
            Content::Unused => self.counts.unused += 1,
        }
        Ok(())
    }

    /// Returns the event time: `T`, else `E`, else the receive time on the venue's clock; learns the socket's clock on the way.
    fn event_ms(&mut self, arrival: &Arrival<'_>, times: Times) -> i64 {
        let recv_ms = arrival.known_ns / NS_PER_MS;
        let Times { happened_ms, emitted_ms } = times;
        if emitted_ms > 0 && emitted_ms.abs_diff(recv_ms) <= MAX_CLOCK_DISTANCE_MS.unsigned_abs() {
            let offset = self.sockets.entry(arrival.socket).or_default();
            offset.see(recv_ms, emitted_ms);
            let lag_ms = recv_ms - emitted_ms - offset.offset_ms().unwrap_or(0);
            if self.lags_ms.len() < MAX_LAGS {
                self.lags_ms.push(lag_ms);
            } else if let Some(slot) = self.lags_ms.get_mut(self.next_lag) {
                *slot = lag_ms;
                self.next_lag = (self.next_lag + 1) % MAX_LAGS;
            }
        }
        match (happened_ms, emitted_ms) {
            (0, 0) => {
                let offset = self.sockets.get(&arrival.socket).and_then(|known| known.offset_ms());
                recv_ms - offset.unwrap_or(0)
            }
            (0, emitted_ms) => emitted_ms,
            (happened_ms, _) => happened_ms,
        }
    }

    /// Returns whether a message is the next of its stream; one ahead of the leading socket is kept.
    fn is_next(
        &mut self,
        index: usize,
        stream: Stream,
        key: i64,
        emitted_ms: i64,
        arrival: &Arrival<'_>,
    ) -> bool {
        let now_ns = self.clock_ns;
        let Some(state) = self.symbols.get_mut(index) else { return false };
        let lane = state.lane(stream);
        match lane.judge(key, emitted_ms, arrival.socket, now_ns) {
            Verdict::Take => true,
            Verdict::Repeat => {
                self.counts.repeats += 1;
                false
            }
            Verdict::Wait => {
                let line = arrival.text.split(|byte| *byte == b'\n').next().unwrap_or(&[]);
                let Arrival { known_ns, socket, .. } = *arrival;
                lane.wait(Waiting { key, known_ns, socket, line: line.to_vec() });
                self.waiting += 1;
                self.counts.waited += 1;
                false
            }
        }
    }

    /// Returns whether a trade is new, and records a skipped id.
    fn is_new_trade(
        &mut self,
        index: usize,
        stream: Stream,
        trade_id: i64,
        arrival: &Arrival<'_>,
        times: Times,
        event_ms: i64,
    ) -> bool {
        let Some(state) = self.symbols.get_mut(index) else { return false };
        if self.venue == Venue::Hyperliquid {
            let is_new = state.see_trade(trade_id);
            self.counts.repeats += u64::from(!is_new);
            return is_new;
        }
        let lane = state.lane(stream);
        let before = lane.last_key().zip(lane.last_ms());
        // A hole is asked for again over REST, and what fills it comes late.
        if before.is_some_and(|(last, _)| trade_id < last) && lane.fill(trade_id) {
            return true;
        }
        if !self.is_next(index, stream, trade_id, times.emitted_ms, arrival) {
            return false;
        }
        // OKX counts single fills and pushes whole orders, so its ids skip.
        if let Some((from_u, from_ms)) = before
            && trade_id != from_u.saturating_add(1)
            && self.venue != Venue::Okx
        {
            if let Some(state) = self.symbols.get_mut(index) {
                state.lane(stream).open_hole(from_u.saturating_add(1), trade_id.saturating_sub(1));
            }
            let reason = match stream {
                Stream::AggTrade => GapReason::AggTradeIds,
                _ => GapReason::TradeIds,
            };
            let gap = Gap { from_u, to_u: trade_id, from_ms, to_ms: event_ms };
            self.record(index, gap, reason, arrival.known_ns);
        }
        true
    }

    fn mark(&mut self, index: usize, mark: &Mark, row: Row, sane_time: bool) {
        let Some(state) = self.symbols.get_mut(index) else { return };
        if row.event_ms <= state.mark_ms {
            self.counts.repeats += 1;
            return;
        }
        if sane_time {
            state.mark_ms = row.event_ms;
            if mark.price > 0.0 {
                state.set_mark(mark, row.ts_ms, row.known_ns);
            }
        }
        self.taken.rows.push(index, &Row { kind: KIND_MARK, price: mark.price, ..row }, -1);
        self.taken.rows.add_mark(mark);
    }

    fn kline(&mut self, index: usize, candle: &Candle<'_>, row: Row, sane_time: bool) {
        let Some(state) = self.symbols.get_mut(index) else { return };
        let at = state.klines.iter().position(|(interval, _)| interval == candle.interval);
        let room = state.klines.len() < MAX_INTERVALS;
        match at.and_then(|at| state.klines.get_mut(at)) {
            Some((_, newest_ms)) => {
                if row.event_ms > 0 && row.event_ms <= *newest_ms {
                    self.counts.repeats += 1;
                    return;
                }
                if sane_time {
                    *newest_ms = row.event_ms;
                }
            }
            // The venues have some twenty; a hostile feed shall not fill the memory with its own.
            None if room && sane_time => {
                state.klines.push((candle.interval.to_vec(), row.event_ms));
            }
            None => {}
        }
        let row = Row {
            kind: KIND_KLINE,
            price: candle.close,
            qty: candle.volume,
            seq_last: candle.open_ms,
            ..row
        };
        self.taken.rows.push(index, &row, -1);
        self.taken.rows.add_candle(candle);
    }
}
