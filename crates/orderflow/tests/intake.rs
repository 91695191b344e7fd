//! The intake takes what any venue sends, over any number of sockets, and says what it could not use.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use orderflow::event::Body;
use orderflow::intake::{Intake, IntakeConfig};
use orderflow::intake_rows::{GapReason, Taken};
use orderflow::sync::{BufferCaps, SyncState};
use orderflow::{Instrument, Scale, Venue};

const T: i64 = 1_723_161_256_000;
const SCALE: Scale = Scale { price_decimals: 2, qty_decimals: 3 };

fn intake_of(venue: Venue, symbols: &[&str]) -> Intake {
    Intake::new(config_of(venue, symbols)).unwrap()
}

fn config_of(venue: Venue, symbols: &[&str]) -> IntakeConfig {
    let of = |symbol: &&str| Instrument { symbol: (*symbol).to_owned(), scale: SCALE };
    IntakeConfig::new(venue, symbols.iter().map(of).collect())
}

fn usdm() -> Intake {
    intake_of(Venue::BinanceUsdm, &["BTCUSDT", "ETHUSDT"])
}

fn line(at: i64, json: &str) -> String {
    format!("{}000000 {json}\n", T + at)
}

fn depth(at: i64, symbol: &str, ids: (i64, i64, i64), bids: &str) -> String {
    let (time, (first, last, prev)) = (T + at, ids);
    let json = format!(
        r#"{{"e":"depthUpdate","E":{time},"T":{time},"s":"{symbol}","U":{first},"u":{last},"pu":{prev},"b":[{bids}],"a":[]}}"#
    );
    line(at, &json)
}

fn snapshot(at: i64, symbol: &str, id: i64) -> String {
    let stream = symbol.to_ascii_lowercase();
    let json = format!(
        r#"{{"stream":"{stream}@depthSnapshot","data":{{"lastUpdateId":{id},"bids":[["99.5","1"],["99","2"]],"asks":[["100.5","3"]]}}}}"#
    );
    line(at, &json)
}

fn quote(at: i64, id: i64) -> String {
    let time = T + at;
    let json = format!(
        r#"{{"e":"bookTicker","u":{id},"s":"BTCUSDT","b":"99.5","B":"1","a":"100.5","A":"3","T":{time},"E":{time}}}"#
    );
    line(at, &json)
}

fn trade(at: i64, id: i64, more: &str) -> String {
    let time = T + at;
    let json = format!(
        r#"{{"e":"trade","E":{time},"T":{time},"s":"BTCUSDT","t":{id},"p":"100","q":"0.5","m":true{more}}}"#
    );
    line(at, &json)
}

fn fed(intake: &mut Intake, lines: &[String]) -> Taken {
    intake.feed(lines.concat().as_bytes(), 0);
    intake.take()
}

#[test]
fn one_symbols_gap_leaves_the_other_in_step() {
    let mut intake = usdm();
    let taken = fed(
        &mut intake,
        &[
            depth(0, "ETHUSDT", (1, 4, 0), ""),
            depth(1, "BTCUSDT", (1, 4, 0), ""),
            snapshot(2, "BTCUSDT", 3),
            snapshot(2, "ETHUSDT", 4),
            depth(3, "BTCUSDT", (5, 6, 4), r#"["99.7","9"]"#),
            depth(4, "BTCUSDT", (9, 9, 8), ""),
        ],
    );
    let stats = intake.stats();
    let states: Vec<_> = stats.symbols.iter().map(|symbol| symbol.state).collect();
    assert_eq!(states, [SyncState::Buffering, SyncState::Synced]);
    assert_eq!(intake.wanted(), [("BTCUSDT", (T + 4) * 1_000_000)]);
    let gap = taken.gaps[0];
    assert_eq!((gap.symbol, gap.reason, gap.gap.from_u, gap.gap.to_u), (0, GapReason::Chain, 6, 9));
    let rows = taken.rows;
    assert_eq!((rows.columns.kind, rows.symbol), (vec![3, 3, 3, 7], vec![0, 1, 0, 0]));
    assert_eq!(rows.columns.seq_prev, [-1, -1, 4, -1]);
    assert_eq!(rows.columns.bid[..3], [99.5, 99.5, 99.7]);
    assert_eq!(rows.books.row, [0, 1, 2]);
    assert_eq!(&rows.books.bid_price[10..13], [99.7, 99.5, 99.0]);
    assert!(rows.books.bid_price[13].is_nan() && rows.books.ask_qty[10] == 3.0);
}

#[test]
fn a_snapshot_too_old_is_asked_for_again() {
    let mut intake = usdm();
    let old = [depth(0, "BTCUSDT", (11, 14, 10), ""), snapshot(1, "BTCUSDT", 9)];
    assert!(fed(&mut intake, &old).rows.columns.is_empty());
    assert_eq!(intake.wanted(), [("BTCUSDT", T * 1_000_000)]);
    fed(&mut intake, &[snapshot(2, "BTCUSDT", 30)]);
    assert!(intake.wanted().is_empty(), "it waits for the diff that brackets the snapshot");
    assert_eq!(intake.live("BTCUSDT", 5).unwrap().state, SyncState::SnapshotWait);
}

#[test]
fn what_is_buffered_has_a_bound() {
    let caps = BufferCaps { events: 2, span_ms: 30_000 };
    let config = IntakeConfig { caps, ..config_of(Venue::BinanceUsdm, &["BTCUSDT"]) };
    let mut intake = Intake::new(config).unwrap();
    let diffs: Vec<_> = (1..=4).map(|id| depth(id, "BTCUSDT", (id, id, id - 1), "")).collect();
    fed(&mut intake, &diffs);
    fed(&mut intake, &[snapshot(5, "BTCUSDT", 1)]);
    assert_eq!(intake.live("BTCUSDT", 5).unwrap().state, SyncState::Buffering);
    fed(&mut intake, &[snapshot(6, "BTCUSDT", 3)]);
    assert_eq!(intake.live("BTCUSDT", 5).unwrap().state, SyncState::Synced);
}

#[test]
fn what_cannot_be_read_is_kept_with_its_fault() {
    let mut intake = usdm();
    let frames = [
        "hello\n".to_owned(),
        line(0, "{\"e\":\"trade\","),
        line(1, r#"{"e":"trade","E":1,"T":1,"s":"XRPUSDT","t":1,"p":"1","q":"1","m":true}"#),
        line(
            2,
            r#"{"stream":"ethusdt@trade","data":{"e":"trade","s":"BTCUSDT","t":1,"p":"1","q":"1","m":true}}"#,
        ),
        line(3, r#"{"lastUpdateId":1,"bids":[],"asks":[]}"#),
        depth(4, "BTCUSDT", (1, 2, 0), r#"["-1","1"]"#),
        line(5, r#"{"result":null,"id":1}"#),
        line(6, r#"{"e":"24hrTicker","s":"BTCUSDT","o":{"o":{"o":1}}}"#),
        "# closed\n".to_owned(),
        quote(7, 9),
    ];
    let taken = fed(&mut intake, &frames);
    let faults: Vec<_> = taken.dead.iter().map(|letter| letter.what.as_str()).collect();
    assert_eq!(
        faults,
        [
            "the line does not begin with a receive time in ns",
            "the line ends where '\"' should be",
            "trade is for a symbol not asked for: \"XRPUSDT\"",
            "frame is for BTCUSDT on the stream of ethusdt",
            "snapshot is for no symbol: \"\"",
            "level price -100e-2 is not above 0",
        ]
    );
    assert_eq!(taken.dead[1].frame, b"{\"e\":\"trade\",");
    assert_eq!((taken.rows.columns.len(), intake.stats().counts.unused), (1, 2));
}

#[test]
fn the_best_levels_alone_are_no_diff() {
    let mut intake = usdm();
    let stream =
        |name: &str, data: &str| line(2, &format!(r#"{{"stream":"{name}","data":{data}}}"#));
    let best = depth(0, "BTCUSDT", (5, 9, 4), r#"["1","1"]"#);
    let best = best.split_once(' ').unwrap().1.trim_end();
    let frames = [
        depth(0, "BTCUSDT", (1, 4, 0), ""),
        snapshot(1, "BTCUSDT", 4),
        stream("btcusdt@depth20@100ms", best),
        stream("btcusdt@depth5", r#"{"lastUpdateId":9,"bids":[],"asks":[]}"#),
        stream("!markPrice@arr", r#"[{"e":"markPriceUpdate"}]"#),
    ];
    let taken = fed(&mut intake, &frames);
    assert_eq!((taken.rows.columns.len(), taken.dead.len()), (1, 0));
    assert_eq!(intake.stats().counts.unused, 3);
}

#[test]
fn a_trade_off_the_market_is_a_row_and_no_more() {
    let mut intake = usdm();
    intake.events("BTCUSDT").unwrap();
    let taken = fed(&mut intake, &[trade(0, 5, ""), trade(1, 6, r#","X":"NA""#)]);
    assert_eq!(taken.rows.is_market, [1, 0]);
    let (batch, _) = intake.events("BTCUSDT").unwrap();
    let counts = |body: &Body| matches!(body, Body::Trade { is_market: true, .. });
    let flags: Vec<_> = batch.events.iter().map(|event| counts(&event.body)).collect();
    assert_eq!(flags, [true, false]);
    assert_eq!(intake.live("BTCUSDT", 1).unwrap().live.trade.unwrap().event_ms, T);
}

#[test]
fn a_skipped_trade_id_is_a_gap_that_can_be_filled() {
    let mut intake = usdm();
    let taken = fed(&mut intake, &[trade(0, 5, ""), trade(1, 8, ""), trade(1, 8, "")]);
    assert_eq!((taken.gaps[0].reason, taken.gaps[0].gap.to_u), (GapReason::TradeIds, 8));
    assert_eq!(intake.stats().counts.repeats, 1);
    let filled = fed(&mut intake, &[trade(1, 6, ""), trade(1, 6, ""), trade(1, 5, "")]);
    assert_eq!(filled.rows.columns.seq_last, [6]);
    assert_eq!(fed(&mut intake, &[trade(0, 7, "")]).rows.columns.seq_last, [7]);
    assert_eq!(intake.live("BTCUSDT", 1).unwrap().live.trade.unwrap().event_ms, T + 1);
}

#[test]
fn a_lost_connection_is_told_to_all_who_listen() {
    let mut intake = usdm();
    intake.events("BTCUSDT").unwrap();
    let lines = [depth(0, "BTCUSDT", (1, 4, 0), ""), snapshot(1, "BTCUSDT", 4)];
    fed(&mut intake, &lines);
    intake.reset(None).unwrap();
    let gaps = intake.take().gaps;
    assert_eq!((gaps.len(), gaps[0].reason, gaps[0].gap.from_u), (1, GapReason::Reset, 4));
    assert_eq!(intake.wanted().len(), 1);
    let (batch, _) = intake.events("BTCUSDT").unwrap();
    assert_eq!(batch.events.last().unwrap().body, Body::Reset);
    assert!(intake.reset(Some("XRPUSDT")).is_err());
}

#[test]
fn two_sockets_give_every_frame_once_and_no_gap() {
    let mut intake = usdm();
    let diff = |id: i64| depth(id, "BTCUSDT", (id, id, id - 1), "");
    let start = [diff(1), snapshot(1, "BTCUSDT", 1)];
    intake.feed(start.concat().as_bytes(), 1);
    // The second socket is ahead, then behind, then alone.
    for (id, socket) in [(3, 2), (2, 1), (3, 1), (4, 1), (4, 2), (6, 2), (5, 1), (5, 2)] {
        intake.feed(diff(id).as_bytes(), socket);
    }
    intake.close(1);
    intake.feed(diff(7).as_bytes(), 2);
    let taken = intake.take();
    assert_eq!(taken.rows.columns.seq_last, [1, 2, 3, 4, 5, 6, 7]);
    assert!(taken.gaps.is_empty());
    assert_eq!((intake.stats().counts.waited, intake.stats().counts.repeats), (2, 2));
}

#[test]
fn a_leader_that_falls_silent_is_followed_by_another() {
    let mut intake = usdm();
    let diff = |at: i64, id: i64| depth(at, "BTCUSDT", (id, id, id - 1), "");
    intake.feed([diff(0, 1), snapshot(1, "BTCUSDT", 1)].concat().as_bytes(), 1);
    intake.feed([diff(10, 2), diff(20, 3)].concat().as_bytes(), 2);
    assert_eq!(intake.take().rows.columns.len(), 1);
    intake.feed(diff(261, 4).as_bytes(), 2);
    assert_eq!(intake.take().rows.columns.seq_last, [2, 3, 4]);
    intake.feed(diff(300, 4).as_bytes(), 1);
    assert_eq!(intake.stats().counts.repeats, 1);
}

#[test]
fn every_kind_of_a_future_has_its_row() {
    let mut intake = usdm();
    let time = T;
    let frames = [
        format!(
            r#"{{"e":"aggTrade","E":{time},"s":"BTCUSDT","a":7,"p":"99","q":"1","f":1,"l":2,"T":{time},"m":false,"st":1,"nq":"1"}}"#
        ),
        format!(
            r#"{{"e":"markPriceUpdate","E":{time},"s":"BTCUSDT","p":"99.10","i":"99.20","P":"1","r":"0.0001","T":{},"st":1}}"#,
            time + 9
        ),
        format!(
            r#"{{"e":"forceOrder","E":{time},"o":{{"s":"BTCUSDT","S":"SELL","o":"LIMIT","f":"IOC","q":"0.014","p":"98","ap":"98","X":"FILLED","l":"0.014","z":"0.014","T":{time}}}}}"#
        ),
        format!(
            r#"{{"e":"kline","E":{time},"s":"BTCUSDT","k":{{"t":{},"T":{time},"s":"BTCUSDT","i":"1m","f":1,"L":2,"o":"1","c":"2","h":"3","l":"0.5","v":"10","n":4,"x":true,"q":"15","V":"5","Q":"7","B":"0"}}}}"#,
            time - 60_000
        ),
    ];
    let frames = frames.map(|json| line(0, &json));
    let mut taken = fed(&mut intake, &frames);
    assert_eq!(fed(&mut intake, &frames).rows.columns.len(), 0, "each comes once");
    let rows = &mut taken.rows;
    assert_eq!(rows.columns.kind, [2, 4, 5, 6]);
    assert_eq!(rows.columns.price, [99.0, 99.1, 98.0, 2.0]);
    assert_eq!(
        (&rows.columns.side[..], &rows.closed[..]),
        (&[1, 0, 2, 0][..], &[-1, -1, -1, 1][..])
    );
    assert_eq!(rows.columns.ts_ms, [T; 4]);
    assert_eq!((rows.marks.index_price[0], rows.marks.next_funding_ms[0]), (99.2, T + 9));
    assert_eq!((rows.klines.interval[0].as_str(), rows.klines.amount[0]), ("1m", 15.0));
    assert_eq!(intake.live("BTCUSDT", 1).unwrap().live.mark.unwrap().value.funding_frac, 0.0001);
}

#[test]
fn a_stream_without_times_has_the_receive_time_on_the_venues_clock() {
    let mut config = config_of(Venue::BinanceSpot, &["BTCUSDT"]);
    config.instruments[0].scale.qty_decimals = 5;
    let mut intake = Intake::new(config).unwrap();
    let diff = format!(
        r#"{{"e":"depthUpdate","E":{},"s":"BTCUSDT","U":1,"u":4,"b":[["99.50000000","0.00000001"]],"a":[]}}"#,
        T + 1_270
    );
    let lines = [
        line(0, &diff),
        line(
            2,
            r#"{"stream":"btcusdt@bookTicker","data":{"u":9,"s":"BTCUSDT","b":"99.5","B":"1","a":"100","A":"1"}}"#,
        ),
        line(3, r#"{"lastUpdateId":3,"bids":[["99.00000000","100000.00000000"]],"asks":[]}"#),
    ];
    let rows = fed(&mut intake, &lines).rows;
    assert_eq!((rows.columns.kind, rows.columns.ts_ms), (vec![1, 3], vec![T + 1_272, T + 1_270]));
    assert_eq!((rows.columns.event_ms[0], &rows.books.bid_qty[..2]), (0, &[1e-8, 100_000.0][..]));
}

#[test]
fn hyperliquid_sends_whole_books_and_trades_in_lists() {
    let mut intake = intake_of(Venue::Hyperliquid, &["BTC"]);
    let book = |at: i64, px: &str| {
        let json = format!(
            r#"{{"channel":"l2Book","data":{{"coin":"BTC","levels":[[{{"n":1,"px":"{px}","sz":"1.5"}}],[{{"n":1,"px":"101","sz":"2"}}]],"time":{}}}}}"#,
            T + at
        );
        line(at, &json)
    };
    let trades = format!(
        r#"{{"data":[{{"coin":"BTC","side":"A","px":"100","sz":"1","hash":"0x","time":{T},"tid":900,"users":["a","b"]}},{{"coin":"BTC","side":"B","px":"100","sz":"2","time":{T},"tid":5}},{{"coin":"ETH","side":"B","px":"1","sz":"2","time":{T},"tid":6}}],"channel":"trades"}}"#
    );
    let bbo = format!(
        r#"{{"channel":"bbo","data":{{"coin":"BTC","time":{T},"bbo":[{{"px":"99.9","sz":"1","n":1}},null]}}}}"#
    );
    let lines = [
        book(0, "100"),
        line(1, &trades),
        line(2, &trades),
        line(3, &bbo),
        book(9, "99"),
        book(9, "98"),
    ];
    let taken = fed(&mut intake, &lines);
    let rows = taken.rows;
    assert_eq!(
        (rows.columns.kind, rows.columns.seq_last),
        (vec![3, 0, 0, 3], vec![T, 900, 5, T + 9])
    );
    assert_eq!((&rows.columns.side[1..3], &rows.columns.bid[3..]), (&[2, 1][..], &[99.0][..]));
    assert!(taken.dead.is_empty() && intake.wanted().is_empty());
}

#[test]
fn okx_updates_chain_to_their_snapshot() {
    let mut intake = intake_of(Venue::Okx, &["BTC-USDT"]);
    let push = |at: i64, action: &str, prev: i64, id: i64, bid: &str| {
        let json = format!(
            r#"{{"arg":{{"channel":"books","instId":"BTC-USDT"}},"action":"{action}","data":[{{"asks":[["101","2","0","1"]],"bids":[["{bid}","1","0","1"]],"ts":"{}","checksum":0,"prevSeqId":{prev},"seqId":{id}}}]}}"#,
            T + at
        );
        line(at, &json)
    };
    let lines = [
        push(0, "update", 3, 4, "99"),
        push(1, "snapshot", -1, 10, "99"),
        push(2, "update", 10, 15, "99.5"),
        push(3, "update", 15, 15, "99.5"),
        push(4, "update", 16, 18, "99.6"),
    ];
    let taken = fed(&mut intake, &lines);
    assert_eq!(taken.rows.columns.kind, [3, 3, 7]);
    assert_eq!(taken.rows.columns.bid[1], 99.5);
    assert_eq!(intake.wanted(), [("BTC-USDT", (T + 4) * 1_000_000)]);
    fed(&mut intake, &[push(5, "snapshot", -1, 20, "99")]);
    assert!(intake.wanted().is_empty());
}

#[test]
fn the_book_layer_has_a_row_a_level() {
    let config = IntakeConfig { book_layer: true, ..config_of(Venue::BinanceUsdm, &["BTCUSDT"]) };
    let mut intake = Intake::new(config).unwrap();
    let lines =
        [depth(0, "BTCUSDT", (1, 4, 0), r#"["99","1"],["98","0"]"#), snapshot(1, "BTCUSDT", 4)];
    let book = fed(&mut intake, &lines).book;
    assert_eq!((book.is_snapshot, book.side), (vec![0, 0, 1, 1, 1], vec![1, 1, 1, 1, 2]));
    assert_eq!((book.qty[1], book.seq_prev[0], book.seq_first[2]), (0.0, 0, -1));
}

/// Returns a text with some bytes changed, cut, doubled or replaced by what breaks parsers.
fn damaged(text: &str, next: &mut impl FnMut(usize) -> usize) -> Vec<u8> {
    const SPLINTERS: [&[u8]; 12] = [
        b"9223372036854775807",
        b"999999999999999999",
        b"-9223372036854775808",
        b"0",
        b"\"",
        b"{",
        b"]",
        b",",
        b"\\",
        b"-1",
        b"null",
        b"1e9",
    ];
    let mut bytes = text.trim_end().as_bytes().to_vec();
    for _ in 0..=next(2) {
        let at = next(bytes.len());
        let end = (at + 1 + next(8)).min(bytes.len());
        match next(5) {
            0 => bytes[at] = next(256) as u8,
            1 => drop(bytes.drain(at..end)),
            2 => {
                // A whole number or word becomes another.
                let start = at + bytes[at..].iter().position(u8::is_ascii_digit).unwrap_or(0);
                let len = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                bytes.splice(start..start + len, SPLINTERS[next(4)].iter().copied());
            }
            3 => drop(bytes.splice(at..at, SPLINTERS[next(12)].iter().copied())),
            _ => drop(bytes.splice(at..end, SPLINTERS[next(12)].iter().copied())),
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes.retain(|byte| *byte != b'\n');
    bytes.push(b'\n');
    bytes
}

#[test]
fn no_damage_stops_an_intake() {
    let push = r#"{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[["101","2","0","1"]],"bids":[["99.50","1","0","1"]],"ts":"1723161256001","checksum":-855196043,"prevSeqId":4,"seqId":5}]}"#;
    let whole = r#"{"channel":"l2Book","data":{"coin":"BTC","levels":[[{"n":1,"px":"99","sz":"1.5"}],[{"n":1,"px":"101","sz":"2"}]],"time":1723161256001}}"#;
    let prints = r#"{"channel":"trades","data":[{"coin":"BTC","side":"A","px":"100","sz":"1","time":1723161256001,"tid":900}]}"#;
    let candle = r#"{"e":"kline","E":1723161256001,"s":"BTCUSDT","k":{"t":1723161196000,"i":"1m","o":"1","c":"2","h":"3","l":"0.5","v":"10","n":4,"x":true,"q":"15"}}"#;
    let force = r#"{"e":"forceOrder","E":1723161256001,"o":{"s":"BTCUSDT","S":"SELL","q":"0.014","p":"98","X":"FILLED","T":1723161256001}}"#;
    let frames = [
        depth(0, "BTCUSDT", (5, 9, 4), r#"["99.7","9"],["98","0"]"#),
        snapshot(1, "BTCUSDT", 9),
        quote(2, 9),
        trade(3, 7, r#","X":"MARKET""#),
        line(4, candle),
        line(5, force),
        line(6, push),
        line(7, whole),
        line(8, prints),
        "https://h/depth?symbol=BTCUSDT&limit=5 -> 1723161256.5: {\"lastUpdateId\":9,\"bids\":[],\"asks\":[]}\n".to_owned(),
    ];
    let mut state = 20_240_808_u64;
    let mut next = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % bound.max(1) as u64) as usize
    };
    let intakes = [
        (Venue::BinanceUsdm, "BTCUSDT"),
        (Venue::BinanceSpot, "BTCUSDT"),
        (Venue::Okx, "BTC-USDT"),
        (Venue::Hyperliquid, "BTC"),
    ];
    let mut intakes = intakes.map(|(venue, symbol)| intake_of(venue, &[symbol]));
    for round in 0..12_000_u32 {
        let bytes = damaged(&frames[next(frames.len())], &mut next);
        for intake in &mut intakes {
            intake.feed(&bytes, round % 3);
            if next(50) == 0 {
                intake.close(round % 3);
            }
            if next(200) == 0 {
                intake.reset(None).unwrap();
            }
            let taken = intake.take();
            let rows = taken.rows.columns.len();
            assert_eq!((taken.rows.symbol.len(), taken.rows.closed.len()), (rows, rows));
        }
        let _ = orderflow::wire::WireParser::new(None).feed(&bytes);
    }
    assert!(intakes.iter().all(|intake| intake.stats().counts.dead > 1_000));
    assert!(intakes.iter().all(|intake| intake.stats().counts.rows > 0));
}
