//! The micro-price: the mid plus what a finite Markov chain of queue imbalance and spread expects of it.
//!
//! Source: Stoikov (2018), "The micro-price: a high-frequency estimator of future prices", Quantitative Finance 18(12), 1959-1966.
//! A state is one of 10 buckets of the queue imbalance and a spread of 1 to 4 ticks. With Q the steps that leave the mid where it
//! is, T those that move it, and r the mean move from each state: G = Σ B^i (I − Q)^-1 r, B = (I − Q)^-1 T. Every step counts with
//! its mirror image, which makes the sum converge. A fit at a boundary of venue time uses the steps before it and serves the bins
//! that end after it.

use std::collections::VecDeque;

use crate::ofi::BestQuotes;
use crate::state::state_of;

const BUCKETS: usize = 10;
const SPREADS: usize = 4;
const STATES: usize = BUCKETS * SPREADS;
/// Time between two fits.
const FIT_MS: i64 = 300_000;
/// Quotes from which the tick is learnt before any step counts.
const TICK_QUOTES: u32 = 1_000;
/// Steps needed for a fit.
const MIN_STEPS: i64 = 1_000;
/// Above so many steps all counts are halved, so that old ones fade.
const MAX_STEPS: i64 = 4_000_000;
/// Terms of the sum at most, and the size (in units of a price) at which it ends.
const MAX_TERMS: usize = 100;
const LAST_TERM: f64 = 1e-9;
/// A pivot below this has no inverse.
const MIN_PIVOT: f64 = 1e-12;

/// Counts steps of the quotes and turns them into adjustments of the mid.
#[derive(Clone, Debug)]
pub(crate) struct MicroPrice {
    /// Greatest common divisor of the prices, or the tick that was given.
    tick: i64,
    /// Quotes that the tick was learnt from.
    learnt: u32,
    before: Option<(usize, i64)>,
    next_fit_ms: Option<i64>,
    /// Steps from state to state that left the mid, and those that moved it.
    stayed: Vec<i64>,
    moved: Vec<i64>,
    /// Sum of the moves of bid + ask from each state.
    gains: Vec<i128>,
    steps: i64,
    /// (boundary, adjustment of bid + ask by state), oldest first.
    fits: VecDeque<(i64, Vec<f64>)>,
}

state_of!(MicroPrice { tick, learnt, before, next_fit_ms, stayed, moved, gains, steps, fits });

impl MicroPrice {
    /// Returns a chain without a step; without a tick the first 1,000 quotes teach it.
    pub fn new(tick: Option<i64>) -> Self {
        Self {
            tick: tick.unwrap_or(0),
            learnt: if tick.is_some() { TICK_QUOTES } else { 0 },
            before: None,
            next_fit_ms: None,
            stayed: vec![0; STATES * STATES],
            moved: vec![0; STATES * STATES],
            gains: vec![0; STATES],
            steps: 0,
            fits: VecDeque::new(),
        }
    }

    /// Takes the next quotes.
    pub fn on_quote(&mut self, event_ms: i64, quotes: &BestQuotes) {
        let boundary = event_ms.div_euclid(FIT_MS).saturating_mul(FIT_MS);
        match self.next_fit_ms {
            Some(next) if event_ms >= next => {
                self.next_fit_ms = Some(boundary.saturating_add(FIT_MS));
                self.fit(boundary);
            }
            Some(_) => {}
            None => self.next_fit_ms = Some(boundary.saturating_add(FIT_MS)),
        }
        if !self.on_grid(quotes) {
            self.before = None;
            return;
        }
        let mid2 = quotes.bid.price + quotes.ask.price;
        let now = self.state(quotes).map(|state| (state, mid2));
        if let (Some((from, old)), Some((to, new))) = (self.before, now) {
            let table = if new == old { &mut self.stayed } else { &mut self.moved };
            if let Some(count) = table.get_mut(from * STATES + to) {
                *count += 1;
            }
            if let Some(gain) = self.gains.get_mut(from) {
                *gain += i128::from(new - old);
            }
            self.steps += 1;
        }
        self.before = now;
    }

    /// Forgets the last quotes: the next step is not known to be one.
    pub fn break_off(&mut self) {
        self.before = None;
    }

    /// Returns the adjustment of bid + ask for a bin that ends at `ts_ms`; `None` until fitted and for spreads above 4 ticks.
    pub fn adjustment(&mut self, ts_ms: i64, quotes: &BestQuotes) -> Option<f64> {
        while self.fits.get(1).is_some_and(|(boundary, _)| *boundary < ts_ms) {
            self.fits.pop_front();
        }
        let (_, table) = self.fits.front().filter(|(boundary, _)| *boundary < ts_ms)?;
        table.get(self.state(quotes)?).copied()
    }

    /// Learns the tick; returns whether steps count already. A price off the grid starts the counts anew.
    fn on_grid(&mut self, quotes: &BestQuotes) -> bool {
        let (bid, ask) = (quotes.bid.price, quotes.ask.price);
        if self.tick <= 0 || bid % self.tick != 0 || ask % self.tick != 0 {
            self.tick = gcd(gcd(self.tick.max(0), bid), ask);
            self.stayed.fill(0);
            self.moved.fill(0);
            self.gains.fill(0);
            self.steps = 0;
            self.before = None;
        }
        self.learnt = self.learnt.saturating_add(1);
        self.learnt > TICK_QUOTES
    }

    fn state(&self, quotes: &BestQuotes) -> Option<usize> {
        let spread = (quotes.ask.price - quotes.bid.price) / self.tick.max(1);
        let (bid, ask) = (i128::from(quotes.bid.qty), i128::from(quotes.ask.qty));
        if !(1..=SPREADS as i64).contains(&spread) || bid < 0 || ask < 0 || bid + ask == 0 {
            return None;
        }
        let bucket = (BUCKETS as i128 * bid / (bid + ask)).min(BUCKETS as i128 - 1) as usize;
        Some((spread as usize - 1) * BUCKETS + bucket)
    }

    fn fit(&mut self, boundary: i64) {
        if self.steps < MIN_STEPS {
            return;
        }
        if let Some(table) = adjustments(&self.stayed, &self.moved, &self.gains) {
            self.fits.push_back((boundary, table));
        }
        if self.steps > MAX_STEPS {
            self.stayed.iter_mut().for_each(|count| *count >>= 1);
            self.moved.iter_mut().for_each(|count| *count >>= 1);
            self.gains.iter_mut().for_each(|gain| *gain >>= 1);
            self.steps >>= 1;
        }
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Returns the state with the queues exchanged.
fn mirror(state: usize) -> usize {
    state / BUCKETS * BUCKETS + BUCKETS - 1 - state % BUCKETS
}

/// Returns G for each state; `None` where I − Q has no inverse.
fn adjustments(stayed: &[i64], moved: &[i64], gains: &[i128]) -> Option<Vec<f64>> {
    let both = |table: &[i64], from: usize, to: usize| {
        let of = |from: usize, to: usize| table.get(from * STATES + to).copied().unwrap_or(0);
        of(from, to) + of(mirror(from), mirror(to))
    };
    let gain = |state: usize| gains.get(state).copied().unwrap_or(0);
    let mut rest = Vec::with_capacity(STATES);
    let mut moves = Vec::with_capacity(STATES);
    let mut first = Vec::with_capacity(STATES);
    for from in 0..STATES {
        let total: i64 = (0..STATES).map(|to| both(stayed, from, to) + both(moved, from, to)).sum();
        let total = total.max(1) as f64;
        let one = |to: usize| f64::from(u8::from(from == to));
        rest.push((0..STATES).map(|to| one(to) - both(stayed, from, to) as f64 / total).collect());
        moves.push((0..STATES).map(|to| both(moved, from, to) as f64 / total).collect::<Vec<_>>());
        first.push((gain(from) - gain(mirror(from))) as f64 / total);
    }
    let inverse = inverse(rest)?;
    let mut term = product(&inverse, &first);
    let mut sum = term.clone();
    for _ in 0..MAX_TERMS {
        term = product(&inverse, &product(&moves, &term));
        let mut largest = 0.0_f64;
        for (total, part) in sum.iter_mut().zip(&term) {
            *total += part;
            largest = largest.max(part.abs());
        }
        if largest < LAST_TERM {
            break;
        }
    }
    sum.iter().all(|value| value.is_finite()).then_some(sum)
}

fn product(matrix: &[Vec<f64>], vector: &[f64]) -> Vec<f64> {
    let row_sum = |row: &Vec<f64>| {
        let mut sum = 0.0;
        for (factor, value) in row.iter().zip(vector) {
            sum += factor * value;
        }
        sum
    };
    matrix.iter().map(row_sum).collect()
}

/// Inverts by Gauss-Jordan elimination with partial pivoting.
fn inverse(mut left: Vec<Vec<f64>>) -> Option<Vec<Vec<f64>>> {
    let n = left.len();
    let mut right: Vec<Vec<f64>> = (0..n)
        .map(|row| (0..n).map(|column| f64::from(u8::from(row == column))).collect())
        .collect();
    for column in 0..n {
        let size = |left: &Vec<Vec<f64>>, row: usize| left[row][column].abs();
        let mut pivot = column;
        for row in column + 1..n {
            if size(&left, row) > size(&left, pivot) {
                pivot = row;
            }
        }
        if size(&left, pivot) < MIN_PIVOT {
            return None;
        }
        left.swap(column, pivot);
        right.swap(column, pivot);
        let divisor = left[column][column];
        for value in left[column].iter_mut().chain(&mut right[column]) {
            *value /= divisor;
        }
        let (own_left, own_right) = (left[column].clone(), right[column].clone());
        for row in (0..n).filter(|row| *row != column) {
            let factor = left[row][column];
            if factor == 0.0 {
                continue;
            }
            for (value, own) in left[row].iter_mut().zip(&own_left) {
                *value -= factor * own;
            }
            for (value, own) in right[row].iter_mut().zip(&own_right) {
                *value -= factor * own;
            }
        }
    }
    Some(right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Level;

    fn quotes(bid: i64, bid_qty: i64, ask: i64, ask_qty: i64) -> BestQuotes {
        let level = |price, qty| Level { price, qty };
        BestQuotes { bid: level(bid, bid_qty), ask: level(ask, ask_qty) }
    }

    /// A market in which the thinner queue goes first.
    fn fitted() -> MicroPrice {
        let mut chain = MicroPrice::new(None);
        let (mut seed, mut bid) = (1_u64, 10_000);
        let mut dice = |n: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            ((seed >> 33) % n) as i64
        };
        for at in 0..20_000 {
            let imbalance = dice(100);
            let now = quotes(bid, imbalance + 1, bid + 10, 100 - imbalance);
            chain.on_quote(at * 20, &now);
            if dice(10) == 0 {
                bid += if dice(100) < imbalance { 10 } else { -10 };
            }
        }
        chain
    }

    #[test]
    fn the_fuller_bid_lifts_the_price_and_the_mirror_lowers_it() {
        let mut chain = fitted();
        assert_eq!(chain.tick, 10);
        let up = quotes(10_000, 95, 10_010, 5);
        let down = quotes(10_000, 5, 10_010, 95);
        assert_eq!(chain.adjustment(300_000, &up), None);
        let (rise, fall) = (chain.adjustment(300_100, &up), chain.adjustment(300_100, &down));
        // One step in ten moves the mid, by 20 in bid + ask, upwards in 95 of a hundred: 0.1 · 20 · 0.9.
        assert!(rise.is_some_and(|g| (g - 1.8).abs() < 0.3), "{rise:?}");
        assert!(rise.zip(fall).is_some_and(|(rise, fall)| (rise + fall).abs() < 1e-6));
        assert_eq!(chain.adjustment(300_100, &quotes(10_000, 1, 10_050, 1)), None);
    }

    #[test]
    fn an_inverse_undoes_and_a_singular_matrix_has_none() {
        let matrix = vec![vec![0.0, 2.0], vec![4.0, 1.0]];
        assert_eq!(inverse(matrix), Some(vec![vec![-0.125, 0.25], vec![0.5, 0.0]]));
        assert_eq!(inverse(vec![vec![1.0, 1.0], vec![1.0, 1.0]]), None);
    }
}
