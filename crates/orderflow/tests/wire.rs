//! The parser is strict and says where and what.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use orderflow::event::Body;
use orderflow::preflight::{BookEnd, Preflight, Report};
use orderflow::wire::WireParser;
use orderflow::{FrameKind, Venue};

const T: i64 = 1_723_161_256_000;

fn line(at: i64, json: &str) -> String {
    format!("{}000000 {json}\n", T + at)
}

fn quote(at: i64, u: i64) -> String {
    quote_of(at, u, "BTCUSDT", "100.10", "5.000", "100.20")
}

fn quote_of(at: i64, u: i64, symbol: &str, bid: &str, bid_qty: &str, ask: &str) -> String {
    let time = T + at;
    line(
        at,
        &format!(
            r#"{{"stream":"x@bookTicker","data":{{"e":"bookTicker","u":{u},"s":"{symbol}","b":"{bid}","B":"{bid_qty}","a":"{ask}","A":"7.000","T":{time},"E":{time},"st":1}}}}"#
        ),
    )
}

fn depth(at: i64, ids: (i64, i64, i64), bids: &str) -> String {
    let (first, last, prev) = ids;
    let time = T + at;
    line(
        at,
        &format!(
            r#"{{"stream":"x@depth@0ms","data":{{"e":"depthUpdate","E":{time},"T":{time},"s":"BTCUSDT","U":{first},"u":{last},"pu":{prev},"b":[{bids}],"a":[]}}}}"#
        ),
    )
}

fn trade(at: i64, id: i64, price: &str, kind: &str) -> String {
    let time = T + at;
    line(
        at,
        &format!(
            r#"{{"e":"trade","E":{time},"T":{time},"s":"BTCUSDT","t":{id},"p":"{price}","q":"0.5","X":"{kind}","m":true}}"#
        ),
    )
}

fn snapshot(at: i64, id: i64) -> String {
    let time = T + at;
    line(
        at,
        &format!(
            r#"{{"lastUpdateId":{id},"E":{time},"T":{time},"bids":[["100.10","5"]],"asks":[["100.20","7"]]}}"#
        ),
    )
}

fn fault(lines: &[String]) -> String {
    let mut parser = WireParser::new(Some("BTCUSDT"));
    let text = lines.concat();
    match parser.feed(text.as_bytes()).and_then(|()| parser.finish()) {
        Ok(()) => "none".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn report(lines: &[String]) -> Report {
    let mut check = Preflight::new(None);
    check.feed(lines.concat().as_bytes()).unwrap();
    check.finish().unwrap()
}

#[test]
fn a_fault_names_line_value_and_bound() {
    let first = quote(0, 1);
    let of = |bid: &str, qty: &str, ask: &str| quote_of(1, 2, "BTCUSDT", bid, qty, ask);
    let one = |text: String| fault(&[first.clone(), text]);
    let cases = [
        (one(of("NaN", "1", "2")), "line 2: bookTicker price \"NaN\" is not a number"),
        (one(of("0.00", "1", "2")), "line 2: bookTicker price 0.00 is not above 0"),
        (one(of("1", "-1", "2")), "line 2: bookTicker quantity -1 is below 0"),
        (
            one(of("1.001", "1", "2")),
            "line 2: bookTicker price \"1.001\" has 3 decimals, the first bookTicker has 2",
        ),
        (one(of("2", "1", "2")), "line 2: bookTicker is crossed: bid 2 is not below ask 2"),
        (
            one(quote_of(1, 2, "ETHUSDT", "1", "1", "2")),
            "line 2: frame is for ETHUSDT, expected BTCUSDT",
        ),
        (one(quote(1, 0)), "line 2: bookTicker u 0 is below the u 1 before it"),
        (
            fault(&[first.clone(), depth(1, (5, 8, 4), ""), depth(2, (4, 5, 3), "")]),
            "line 3: depth u 5 is below the u 8 before it",
        ),
        (one(depth(1, (9, 8, 4), "")), "line 2: depth U 9 is above its u 8"),
        (one(depth(1, (5, 8, 4), r#"["-1","2"]"#)), "line 2: level price -100e-2 is not above 0"),
        (one(depth(1, (5, 8, 4), r#"["x","2"]"#)), "line 2: level price \"x\" is not a number"),
        (one(trade(1, 5, "0", "MARKET")), "line 2: trade price 0 is not above 0"),
        (
            fault(&[first.clone(), trade(1, 5, "1", "MARKET"), trade(2, 4, "1", "MARKET")]),
            "line 3: trade t 4 is below the t 5 before it",
        ),
        (
            one(quote(1, 2).replace(&format!("\"E\":{}", T + 1), "\"E\":0")),
            "line 2: bookTicker E \"0\" is not a time above 0",
        ),
        (one(quote(1, 2).replace(&format!("\"T\":{},", T + 1), "")), "line 2: bookTicker has no T"),
        (
            one(line(1, r#"{"e":"24hrTicker"}"#)),
            "line 2: event \"24hrTicker\" is not one of bookTicker, depthUpdate, trade, aggTrade",
        ),
        (one(line(1, "[1]")), "line 2: '[' stands where '{' should be"),
        (one(line(1, r#"{"a":1} x"#)), "line 2: something stands after the JSON"),
        (one("{}\n".to_owned()), "line 2: the line does not begin with a receive time in ns"),
        (
            one(quote(-1, 2)),
            "line 2: receive time 1723161255999000000 is below the 1723161256000000000 before it",
        ),
        (
            one(quote(1, 2).trim_end().trim_end_matches('}').to_owned()),
            "line 2: the last line has no line end: the line ends where '}' should be",
        ),
        (
            fault(&[line(0, r#"{"u":1,"s":"BTCUSDT","b":"1","a":"2"}"#)]),
            "line 1: the frame has neither \"e\" nor \"lastUpdateId\"",
        ),
        (
            fault(&[trade(0, 1, "1", "MARKET")]),
            "no bookTicker frame in 1 lines, so the decimals of prices and quantities are unknown",
        ),
    ];
    for (found, wanted) in cases {
        assert_eq!(found, wanted);
    }
}

#[test]
fn years_between_the_clocks_are_a_fault() {
    let stale = quote(1, 2).replace(&format!("\"T\":{}", T + 1), "\"T\":1500000000000");
    assert!(fault(&[quote(0, 1), stale]).starts_with("line 2: bookTicker T 1500000000000 is more"));
}

#[test]
fn a_fault_stays() {
    let mut parser = WireParser::new(None);
    let first = parser.feed([quote(0, 1), quote(1, 0)].concat().as_bytes());
    assert_eq!(parser.take(None).events.len(), 1);
    assert_eq!(parser.feed(quote(2, 3).as_bytes()), first);
    assert!(first.is_err());
}

#[test]
fn any_cut_of_the_bytes_gives_the_same_events() {
    let text = [
        "# connect\n".to_owned(),
        depth(0, (1, 2, 0), r#"["99.5","1.5"],["99","0"]"#),
        trade(1, 7, "100.1", "MARKET"),
        quote(2, 3),
        line(3, r#"{"e":"markPriceUpdate","s":"BTCUSDT","p":"1"}"#),
        snapshot(4, 2),
        "\n".to_owned(),
        quote(5, 4),
    ]
    .concat();
    let whole = {
        let mut parser = WireParser::new(None);
        parser.feed(text.as_bytes()).unwrap();
        parser.finish().unwrap();
        assert_eq!(parser.frames(FrameKind::Unused), 1);
        assert_eq!(parser.frames(FrameKind::Remark), 2);
        parser.take(None)
    };
    assert_eq!(whole.events.len(), 5);
    assert_eq!(whole.levels.len(), 4);
    for size in 1..200 {
        let mut parser = WireParser::new(None);
        for chunk in text.trim_end().as_bytes().chunks(size) {
            parser.feed(chunk).unwrap();
        }
        parser.finish().unwrap();
        assert_eq!(parser.take(None), whole, "chunks of {size}");
    }
}

#[test]
fn taking_stops_where_the_clock_reaches_the_bound() {
    let mut parser = WireParser::new(None);
    let behind = quote(5, 2).replacen(&(T + 5).to_string(), &(T + 9).to_string(), 1);
    let text = [quote(0, 1), depth(9, (1, 2, 0), r#"["1","1"]"#), behind, quote(10, 3)];
    parser.feed(text.concat().as_bytes()).unwrap();
    // The clock has reached 9 before the quote of 5 comes: it waits behind.
    let counts: Vec<usize> = [T + 9, T + 10, T + 11]
        .iter()
        .map(|until| parser.take(Some(until * 1_000_000)).events.len())
        .collect();
    assert_eq!(counts, [1, 2, 1]);
    assert_eq!(parser.next_event_ns(), None);
}

#[test]
fn taken_pieces_hold_their_own_levels() {
    let mut parser = WireParser::new(None);
    let text =
        [quote(0, 1), depth(1, (1, 2, 0), r#"["1","1"]"#), depth(2, (3, 4, 2), r#"["2","2"]"#)];
    parser.feed(text.concat().as_bytes()).unwrap();
    parser.take(Some((T + 2) * 1_000_000));
    let last = parser.take(None);
    let Body::Depth { bids, .. } = last.events[0].body else { panic!("a diff") };
    assert_eq!((last.levels(bids)[0].price, last.levels.len()), (200, 1));
}

#[test]
fn an_off_market_trade_is_kept_and_does_not_count() {
    let mut parser = WireParser::new(None);
    let text = [quote(0, 1), trade(1, 5, "0", "NA"), trade(2, 6, "100", "MARKET")].concat();
    parser.feed(text.as_bytes()).unwrap();
    let counts: Vec<bool> = parser
        .take(None)
        .events
        .iter()
        .filter_map(|event| match event.body {
            Body::Trade { is_market, .. } => Some(is_market),
            _ => None,
        })
        .collect();
    assert_eq!(counts, [false, true]);
}

#[test]
fn of_two_trade_streams_the_first_is_used() {
    let time = T + 1;
    let aggregate = line(
        1,
        &format!(
            r#"{{"e":"aggTrade","E":{time},"T":{time},"s":"BTCUSDT","a":9,"p":"100","q":"1","f":1,"l":2,"m":false}}"#
        ),
    );
    let found = report(&[quote(0, 1), aggregate, trade(2, 5, "100", "MARKET")]);
    assert_eq!(found.frames, [0, 0, 1, 0, 1, 1, 0]);
}

fn spot_quote(at: i64, u: i64) -> String {
    line(at, &format!(r#"{{"u":{u},"s":"BTCUSDT","b":"100.10","B":"5.0","a":"100.20","A":"7.0"}}"#))
}

#[test]
fn a_quote_without_times_waits_for_a_frame_that_tells_the_clock() {
    let mut parser = WireParser::new(None);
    parser.feed(spot_quote(0, 1).as_bytes()).unwrap();
    assert_eq!(parser.next_event_ns(), None);
    // The venue's clock is 1,270 ms ahead of ours, and this frame took 9 ms more than the next.
    let diff = |at: i64, ahead: i64| {
        let json = format!(
            r#"{{"e":"depthUpdate","E":{},"s":"BTCUSDT","U":{at},"u":{at},"b":[],"a":[]}}"#,
            T + at + ahead
        );
        line(at, &json)
    };
    let more = [diff(1, 1_261), spot_quote(2, 2), diff(3, 1_270), spot_quote(4, 3)].concat();
    parser.feed(more.as_bytes()).unwrap();
    assert_eq!(parser.venue(), Some(Venue::BinanceSpot));
    let batch = parser.take(None);
    let times: Vec<i64> = batch.events.iter().map(|event| event.event_ns / 1_000_000 - T).collect();
    assert_eq!(times, [1_261, 1_262, 1_263, 1_273, 1_274]);
    assert_eq!(batch.events[0].emitted_ms, 0);
}

#[test]
fn quotes_alone_have_their_receive_time() {
    let mut parser = WireParser::new(None);
    parser.feed([spot_quote(0, 1), spot_quote(5, 2)].concat().as_bytes()).unwrap();
    parser.finish().unwrap();
    let times: Vec<i64> = parser.take(None).events.iter().map(|event| event.event_ns).collect();
    assert_eq!(times, [T * 1_000_000, (T + 5) * 1_000_000]);
}

#[test]
fn frames_of_another_venue_are_a_fault() {
    let mut parser = WireParser::new(None);
    parser.expect_venue(Venue::Hyperliquid);
    let error = parser.feed(quote(0, 1).as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "line 1: the frame is binance-usdm's, expected hyperliquid");
    let mut parser = WireParser::new(None);
    let okx = line(0, r#"{"arg":{"channel":"books","instId":"BTC-USDT"},"data":[]}"#);
    assert!(parser.feed(okx.as_bytes()).unwrap_err().to_string().contains("the frame is OKX's"));
}

#[test]
fn a_hyperliquid_frame_may_hold_many_trades() {
    let book = line(
        1,
        &format!(
            r#"{{"channel":"l2Book","data":{{"coin":"BTC","time":{T},"levels":[[{{"px":"100.5","sz":"0.25","n":1}}],[{{"px":"101","sz":"3","n":2}}]]}}}}"#
        ),
    );
    let one = |side: &str, tid: i64| {
        format!(r#"{{"coin":"BTC","side":"{side}","px":"101","sz":"1","time":{T},"tid":{tid}}}"#)
    };
    let trades =
        line(1, &format!(r#"{{"channel":"trades","data":[{},{}]}}"#, one("B", 99), one("A", 7)));
    let found = report(&[trades.clone(), book.clone(), trades.clone()]);
    assert_eq!((found.venue, found.symbol.as_str()), (Some(Venue::Hyperliquid), "BTC"));
    assert_eq!((found.scale.price_decimals, found.scale.qty_decimals), (1, 2));
    assert_eq!((found.frames[0], found.frames[3], found.trade_breaks), (1, 2, 0));
    let mut parser = WireParser::new(None);
    parser.feed([book, trades].concat().as_bytes()).unwrap();
    let batch = parser.take(None);
    let Body::Trade { qty, buyer_is_maker, trade_id, .. } = batch.events[2].body else {
        panic!("a trade")
    };
    assert_eq!((batch.events.len(), qty, buyer_is_maker, trade_id), (3, 100, true, 2));
}

#[test]
fn the_preflight_finds_breaks_and_a_lost_book() {
    let head = [quote(0, 1), depth(1, (1, 4, 0), ""), snapshot(2, 3), depth(3, (5, 9, 4), "")];
    let whole = report(&head);
    assert_eq!((whole.book, whole.synced_line, whole.depth_breaks), (BookEnd::Synced, Some(3), 0));
    let mut broken = head.to_vec();
    broken.extend([
        depth(4, (12, 15, 11), ""),
        trade(5, 1, "1", "MARKET"),
        trade(6, 3, "1", "MARKET"),
        trade(7, 3, "1", "MARKET"),
    ]);
    let lost = report(&broken);
    assert_eq!((lost.book, &lost.lost_lines[..]), (BookEnd::Lost, &[5][..]));
    assert_eq!((lost.depth_breaks, lost.trade_breaks, lost.repeats), (1, 1, 1));
    let lines: Vec<_> = lost.breaks.iter().map(|gap| (gap.line, gap.from_id, gap.to_id)).collect();
    assert_eq!(lines, [(5, 9, 12), (7, 1, 3)]);
    broken.push(snapshot(8, 13));
    let back = report(&broken);
    assert_eq!((back.book, back.syncs), (BookEnd::Synced, 2));
    assert_eq!(report(&head[..2]).book, BookEnd::NeverSynced);
    assert_eq!(report(&head[..1]).book, BookEnd::NoDepth);
    assert_eq!((whole.first_event_ms, whole.last_event_ms), (T, T + 3));
}
