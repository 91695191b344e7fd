//! VPIN: the share of volume that is one-sided, over equal-volume buckets, with the venue's own taker flags.
//!
//! It measures toxicity and volatility; it does not predict crashes (Andersen & Bondarenko 2013, "VPIN and the Flash Crash").
//! Source: Easley, López de Prado & O'Hara (2012), "Flow Toxicity and Liquidity in a High-Frequency World", RFS 25(5), 1457-1493.

use std::collections::VecDeque;

use crate::state::state_of;

/// Buckets in the measure.
const BUCKETS: usize = 50;
/// Buckets that the volume of the learning time fills.
const LEARNT_BUCKETS: i128 = 10;

/// Fills buckets trade by trade; a trade may span several.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vpin {
    /// Lots a bucket holds, once known.
    bucket: Option<i128>,
    /// Signed trades until now while it is not.
    learning: Vec<i64>,
    bought: i128,
    sold: i128,
    /// |bought − sold| of the newest buckets.
    full: VecDeque<i128>,
}

state_of!(Vpin { bucket, learning, bought, sold, full });

impl Vpin {
    /// Returns an empty measure; without a bucket size it waits for [`Self::learnt`].
    pub fn new(bucket: Option<i64>) -> Self {
        Self { bucket: bucket.map(|lots| i128::from(lots.max(1))), ..Self::default() }
    }

    /// Takes a trade: signed lots, positive where the taker bought.
    pub fn push(&mut self, signed: i64) {
        let Some(bucket) = self.bucket else {
            self.learning.push(signed);
            return;
        };
        let mut left = i128::from(signed).abs();
        let bucket = bucket.max(1);
        let room = (bucket - self.bought - self.sold).max(0);
        let side = |this: &mut Self, lots: i128| {
            *(if signed > 0 { &mut this.bought } else { &mut this.sold }) += lots;
        };
        if left < room {
            side(self, left);
            return;
        }
        side(self, room);
        self.close();
        left -= room;
        // One huge trade fills any number of buckets with one side: more than 50 of them make no difference.
        for _ in 0..(left / bucket).min(BUCKETS as i128) {
            side(self, bucket);
            self.close();
        }
        side(self, left % bucket);
    }

    fn close(&mut self) {
        self.full.push_back((self.bought - self.sold).abs());
        if self.full.len() > BUCKETS {
            self.full.pop_front();
        }
        (self.bought, self.sold) = (0, 0);
    }

    /// Ends the learning of the bucket size, a tenth of the volume so far, and fills buckets with what was learnt from.
    pub fn learnt(&mut self) {
        if self.bucket.is_some() || self.learning.is_empty() {
            return;
        }
        let learning = std::mem::take(&mut self.learning);
        let volume: i128 = learning.iter().map(|signed| i128::from(*signed).abs()).sum();
        self.bucket = Some((volume / LEARNT_BUCKETS).max(1));
        learning.into_iter().for_each(|signed| self.push(signed));
    }

    /// Returns Σ |bought − sold| / (50 V), 0 to 1; `None` before 50 full buckets.
    pub fn value(&self) -> Option<f64> {
        let bucket = self.bucket.filter(|_| self.full.len() == BUCKETS)?;
        let sum: i128 = self.full.iter().sum();
        Some(sum as f64 / (BUCKETS as i128 * bucket) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_equal_and_a_trade_may_span_them() {
        let mut vpin = Vpin::new(Some(10));
        for _ in 0..49 {
            vpin.push(5);
            vpin.push(-5);
        }
        assert_eq!(vpin.value(), None);
        vpin.push(10);
        assert_eq!(vpin.value(), Some(10.0 / 500.0));
        vpin.push(-25);
        assert_eq!(vpin.value(), Some(30.0 / 500.0));
        vpin.push(5);
        assert_eq!(vpin.value(), Some(30.0 / 500.0));
        vpin.push(i64::MIN + 1);
        assert_eq!(vpin.value(), Some(1.0));
    }

    #[test]
    fn the_bucket_is_learnt_from_the_volume_so_far() {
        let mut vpin = Vpin::new(None);
        vpin.push(400);
        vpin.push(-115);
        vpin.learnt();
        assert_eq!(vpin.bucket, Some(51));
        assert_eq!((vpin.full.len(), vpin.sold), (10, 5));
    }
}
