//! Cancels and amendments on their arrival.

use crate::account::AccountId;
use crate::order::{Change, EventKind, LiveOrder, Stage, Tif};
use crate::reject::{Code, Reject};

use super::Venue;

impl Venue {
    /// Judges a change by itself.
    pub(super) fn change_in_bounds(&self, change: Change) -> Result<(), Reject> {
        if change == Change::default() {
            return Err(Reject::new(Code::Combination, "an amendment changes something"));
        }
        change.trigger.map_or(Ok(()), |trigger| self.price_in_bounds(trigger))?;
        change.price.map_or(Ok(()), |price| self.price_in_bounds(price))?;
        change.qty.map_or(Ok(()), |qty| self.qty_in_bounds(qty))
    }

    pub(super) fn cancel_arrived(&mut self, account: AccountId, client_id: String) {
        match self.named(account, &client_id) {
            Some(seq) => self.end(seq, EventKind::Canceled),
            None => {
                let reject = Reject::new(Code::UnknownOrder, format!("{client_id} is not live"));
                self.say(account, client_id, EventKind::CancelRejected(reject), 0);
            }
        }
    }

    pub(super) fn amend_arrived(&mut self, account: AccountId, client_id: String, change: Change) {
        let found = self.named(account, &client_id).and_then(|seq| self.live(seq)).cloned();
        let Some(order) = found else {
            let reject = Reject::new(Code::NoSuchOrder, format!("{client_id} is not live"));
            return self.say(account, client_id, EventKind::AmendRejected(reject), 0);
        };
        if let Some(reject) = self.change_refusal(&order, change) {
            return self.say(account, client_id, EventKind::AmendRejected(reject), order.leaves);
        }
        self.change(order, change);
    }

    fn change_refusal(&self, order: &LiveOrder, change: Change) -> Option<Reject> {
        let terms = &order.order;
        if let Some(trigger) = change.trigger {
            if order.stage != Stage::Armed || terms.kind.trigger().is_none() {
                let msg = format!("{} is not waiting for a trigger", terms.client_id);
                return Some(Reject::new(Code::NoSuchOrder, msg));
            }
            let kind = terms.kind.with_trigger(trigger);
            if self.watched2(terms.trigger_on).is_some_and(|at| kind.is_triggered(terms.side, at)) {
                return Some(self.passed(trigger));
            }
        }
        if change.price.is_some() && terms.kind.limit().is_none() {
            let msg = format!("{} has no limit price", terms.client_id);
            return Some(Reject::new(Code::Combination, msg));
        }
        if order.stage == Stage::Resting {
            let (price, filled) = (change.price.or(terms.kind.limit())?, terms.qty - order.leaves);
            let mut wanted = terms.clone();
            wanted.kind = terms.kind.with_limit(price);
            wanted.qty = change.qty.unwrap_or(terms.qty) - filled;
            return self.margin_refusal_of(&wanted, 2 * price, order.leaves);
        }
        None
    }

    fn change(&mut self, was: LiveOrder, change: Change) {
        let seq = was.seq;
        let mut terms = was.order.clone();
        terms.kind = change.trigger.map_or(terms.kind, |to| terms.kind.with_trigger(to));
        terms.kind = change.price.map_or(terms.kind, |to| terms.kind.with_limit(to));
        terms.qty = change.qty.unwrap_or(terms.qty);
        let leaves = terms.qty - (was.order.qty - was.leaves);
        let limit = terms.kind.limit();
        let would_take = terms.tif == Tif::Gtx
            && was.stage == Stage::Resting
            && limit.is_some_and(|price| self.limit_refusal(&terms, price).is_some());
        if leaves <= 0 || would_take {
            return self.end(seq, EventKind::Canceled);
        }
        let loses_place = limit != was.order.kind.limit() || leaves > was.leaves;
        let (since, tif) = (self.rank(), terms.tif);
        if let Some(order) = self.live_mut(seq) {
            order.order = terms;
            order.leaves = leaves;
            if loses_place {
                order.since = since;
            }
        }
        self.say_of(seq, EventKind::Amended);
        if let Some(price) = limit.filter(|_| loses_place && was.stage == Stage::Resting) {
            self.set_stage(seq, Stage::Taking);
            self.enter(seq, price, tif);
        }
    }

    fn named(&self, account: AccountId, client_id: &str) -> Option<u64> {
        self.by_name.get(&(account, client_id.to_owned())).copied()
    }
}
