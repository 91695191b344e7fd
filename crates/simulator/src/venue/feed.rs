//! Feeds that tell one thing at a time: levels, best quotes, trades.

use orderflow::event::Level;

use crate::account::AccountId;
use crate::ladder::Side;
use crate::mirror::Mirror;
use crate::order::{EventKind, VenueEvent};

use super::Venue;

impl Venue {
    /// Lets time reach an event of the feed.
    pub(crate) fn reach(&mut self, event_ns: i64) {
        if self.next_wake_ns <= event_ns {
            self.arrive_before(event_ns);
        }
        self.clock_ns = self.clock_ns.max(event_ns);
    }

    pub(crate) fn book_mut(&mut self) -> &mut Mirror {
        &mut self.mirror
    }

    /// Takes the absolute quantity of one level.
    #[inline]
    pub(crate) fn level_told(&mut self, side: Side, level: Level) {
        self.mirror.set_level(side, level);
        self.after_book(side, level);
    }

    /// Takes the best level of a side; one without a quantity empties the side.
    pub(crate) fn best_told(&mut self, side: Side, level: Level) {
        self.mirror.set_best(side, level);
        self.after_book(side, level);
    }

    fn after_book(&mut self, side: Side, level: Level) {
        if self.live.is_empty() && self.config.margin.is_none() {
            return;
        }
        let watch = self.watched();
        let [own, met] = [side, side.opposite()].map(|side| watch.resting[side as usize]);
        if own.is_some_and(|own| side.reaches(own, level.price)) {
            self.requeue_at(side, level.price, level.qty);
        }
        if !self.mirror.is_synced() {
            self.requeue();
        }
        // Only the orders of the other side can be met by what this side shows.
        if let Some(met) = met
            && self.mirror.best(side).is_some_and(|best| side.opposite().reaches(met, best.price))
        {
            self.meet_the_book();
        }
        if watch.has_working {
            self.work_on();
        }
        if watch.has_armed || watch.has_working || self.config.margin.is_some() {
            self.watch_prices();
        }
    }

    /// Takes a trade; where nothing else was ever told, the book is guessed from it.
    pub(crate) fn traded(&mut self, taker: Side, trade: Level) {
        self.last_price = Some(trade.price);
        if !self.live.is_empty() {
            self.trade(trade.price, trade.qty, taker.opposite());
        }
        if self.mirror.is_guessed() || self.mirror.tells_nothing() {
            self.mirror.guess(trade.price, trade.qty, taker, self.config.trade_spread);
            self.work_on();
        }
        self.watch_prices();
    }

    pub(crate) fn said(&self) -> &[VenueEvent] {
        &self.said
    }

    pub(crate) fn forget_said(&mut self) {
        self.said.clear();
    }

    pub(crate) fn take_said(&mut self, into: &mut Vec<VenueEvent>) {
        into.append(&mut self.said);
    }

    /// Says at the time of sending what was refused without travelling.
    pub(crate) fn refuse_at_once(
        &mut self,
        sent_ns: i64,
        account: AccountId,
        client_id: &str,
        kind: EventKind,
    ) {
        self.said.push(VenueEvent {
            venue_ns: sent_ns,
            known_ns: sent_ns,
            account,
            client_id: client_id.to_owned(),
            kind,
            leaves_qty: 0,
        });
    }
}
