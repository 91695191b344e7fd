//! The venue driven from columns: one small event a row, read where it lies.
//!
//! A feed may tell the book level by level (`Bid`, `Ask`; `Clear` begins a snapshot), the best quotes (`BestBid`,
//! `BestAsk`), or trades alone. Every feed tells trades; marks and funding rates may stand between.

use orderflow::event::Level;

use crate::ladder::Side;
use crate::order::{EventKind, NewOrder, VenueEvent};
use crate::reject::Reject;
use crate::venue::Venue;

/// What a tick tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum TickKind {
    /// The book starts anew.
    Clear = 0,
    /// A bid level's absolute quantity.
    Bid = 1,
    /// An ask level's absolute quantity.
    Ask = 2,
    /// A trade whose taker bought.
    Buy = 3,
    /// A trade whose taker sold.
    Sell = 4,
    /// The best bid.
    BestBid = 5,
    /// The best ask.
    BestAsk = 6,
    /// The mark price.
    Mark = 7,
    /// Funding is settled; the quantity is the rate in parts per billion.
    Funding = 8,
}

impl TickKind {
    /// Returns the kind of a code.
    pub fn of(code: u8) -> Option<Self> {
        const KINDS: [TickKind; 9] = [
            TickKind::Clear,
            TickKind::Bid,
            TickKind::Ask,
            TickKind::Buy,
            TickKind::Sell,
            TickKind::BestBid,
            TickKind::BestAsk,
            TickKind::Mark,
            TickKind::Funding,
        ];
        KINDS.get(usize::from(code)).copied()
    }
}

/// One event of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// Venue time, Unix ns.
    pub event_ns: i64,
    /// Price in 10^-p.
    pub price: i64,
    /// Lots; for funding the rate.
    pub qty: i64,
    /// What it tells.
    pub kind: TickKind,
}

const _: () = assert!(size_of::<Tick>() <= 40, "an event is at most 40 bytes");

/// Columns of one feed in order of venue time, of one length.
#[derive(Clone, Copy, Debug)]
pub struct Ticks<'a> {
    event_ns: &'a [i64],
    kind: &'a [u8],
    price: &'a [i64],
    qty: &'a [i64],
}

impl<'a> Ticks<'a> {
    /// Returns the columns as one feed.
    ///
    /// # Errors
    /// What is wrong, with the row: lengths that differ, times that fall, unknown kinds, prices or quantities out of bounds.
    pub fn new(
        event_ns: &'a [i64],
        kind: &'a [u8],
        price: &'a [i64],
        qty: &'a [i64],
    ) -> Result<Self, String> {
        let rows = event_ns.len();
        for (name, len) in [("kind", kind.len()), ("price", price.len()), ("qty", qty.len())] {
            if len != rows {
                return Err(format!("{name} has {len} values and event_ns has {rows}"));
            }
        }
        let ticks = Self { event_ns, kind, price, qty };
        if let Some(row) = event_ns.windows(2).position(|pair| matches!(pair, [a, b] if a > b)) {
            return Err(format!("event_ns falls after row {row}"));
        }
        let columns = kind.iter().zip(price).zip(qty);
        let wrong = columns.enumerate().find_map(|(row, ((&code, &price), &qty))| {
            let Some(kind) = TickKind::of(code) else {
                return Some(format!("kind of row {row} is {code}, from 0 to 8"));
            };
            let needs_price = !matches!(kind, TickKind::Clear | TickKind::Funding);
            if needs_price && !(1..=i64::MAX / 4).contains(&price) {
                return Some(format!("price of row {row} is {price}, from 1 to 2^61"));
            }
            let lowest = if kind == TickKind::Funding { -1_000_000_000 } else { 0 };
            let highest = if kind == TickKind::Funding { 1_000_000_000 } else { i64::MAX / 4 };
            (!(lowest..=highest).contains(&qty))
                .then(|| format!("qty of row {row} is {qty}, from {lowest} to {highest}"))
        });
        wrong.map_or(Ok(ticks), Err)
    }

    /// Returns the ticks in order.
    pub fn iter(self) -> impl ExactSizeIterator<Item = Tick> + 'a {
        let columns = self.event_ns.iter().zip(self.kind).zip(self.price).zip(self.qty);
        columns.map(|(((&event_ns, &code), &price), &qty)| Tick {
            event_ns,
            price,
            qty,
            kind: TickKind::of(code).unwrap_or(TickKind::Clear),
        })
    }

    /// Returns how many rows there are.
    pub fn len(self) -> usize {
        self.event_ns.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(self) -> bool {
        self.event_ns.is_empty()
    }
}

/// Something that a script asks of the venue.
#[derive(Clone, Debug)]
pub enum Ask {
    /// A new order.
    Submit(NewOrder),
    /// A cancel by account and client id.
    Cancel(u32, String),
}

/// Plays a feed with a script of requests at their times (in order), and returns everything the venue said.
///
/// A request is sent once all ticks up to its time have been seen. Refusals at once are told as `Rejected` or
/// `CancelRejected` at the time of sending.
pub fn play(venue: &mut Venue, ticks: Ticks<'_>, script: &[(i64, Ask)]) -> Vec<VenueEvent> {
    let mut said = Vec::new();
    let mut script = script.iter().peekable();
    venue.forget_said();
    for tick in ticks.iter() {
        while let Some((sent_ns, ask)) = script.next_if(|(sent_ns, _)| *sent_ns < tick.event_ns) {
            send(venue, *sent_ns, ask);
        }
        venue.tick(tick);
    }
    for (sent_ns, ask) in script {
        send(venue, *sent_ns, ask);
    }
    venue.take_said(&mut said);
    said
}

fn send(venue: &mut Venue, sent_ns: i64, ask: &Ask) {
    let refused = |outcome: Result<(), Reject>| outcome.err();
    let (account, client_id, kind) = match ask {
        Ask::Submit(order) => (
            order.account,
            &order.client_id,
            refused(venue.submit(sent_ns, order.clone())).map(EventKind::Rejected),
        ),
        Ask::Cancel(account, client_id) => (
            *account,
            client_id,
            refused(venue.cancel_of(sent_ns, *account, client_id)).map(EventKind::CancelRejected),
        ),
    };
    if let Some(kind) = kind {
        venue.refuse_at_once(sent_ns, account, client_id, kind);
    }
}

impl Venue {
    /// Takes ticks in order and returns what they and the arrivals between them brought about.
    pub fn on_ticks(&mut self, ticks: Ticks<'_>) -> &[VenueEvent] {
        self.forget_said();
        for tick in ticks.iter() {
            self.tick(tick);
        }
        self.said()
    }

    /// Takes one tick.
    pub(crate) fn tick(&mut self, tick: Tick) {
        self.reach(tick.event_ns);
        let level = Level { price: tick.price, qty: tick.qty };
        match tick.kind {
            TickKind::Clear => self.book_mut().forget(),
            TickKind::Bid => self.level_told(Side::Buy, level),
            TickKind::Ask => self.level_told(Side::Sell, level),
            TickKind::BestBid => self.best_told(Side::Buy, level),
            TickKind::BestAsk => self.best_told(Side::Sell, level),
            TickKind::Buy => self.traded(Side::Buy, level),
            TickKind::Sell => self.traded(Side::Sell, level),
            TickKind::Mark => self.marked(tick.event_ns, tick.price),
            TickKind::Funding => self.funded(tick.event_ns, tick.qty),
        }
    }
}
