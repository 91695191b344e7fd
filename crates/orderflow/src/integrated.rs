//! Integrated OFI: the levels of the book joined by their first principal component, behind a gate.
//!
//! Source: Cont, Cucuringu & Zhang (2023), "Cross-impact of order flow imbalance in equity markets", arXiv 2112.13213. On recorded
//! frames the component holds a third to a half of the variance and did not beat level 1 out of sample, so it must earn its use:
//! every 30 min it is fitted again on the trailing 6 h, and it shows only while it explained at least .02 more of the move than
//! level 1 in each of the last two half-hours, by a line fitted before them.

use std::collections::VecDeque;

use crate::mlofi::MAX_LEVELS;
use crate::state::state_of;

/// Time between two fits, and the length of a block of sums.
const BLOCK_MS: i64 = 1_800_000;
/// Blocks in the trailing window: 6 h.
const BLOCKS: usize = 12;
/// Bins that a block needs to judge or to teach.
const MIN_BINS: f64 = 30.0;
/// How much more a component must explain than level 1.
const MARGIN: f64 = 0.02;
/// Steps of the power iteration.
const STEPS: usize = 100;

/// Sums over the bins of one half-hour: their number, of flows, of moves, and of their products.
#[derive(Clone, Debug)]
struct Sums {
    n: f64,
    x: Vec<f64>,
    y: f64,
    xx: Vec<f64>,
    xy: Vec<f64>,
    yy: f64,
}

state_of!(Sums { n, x, y, xx, xy, yy });

impl Sums {
    fn new(levels: usize) -> Self {
        let zeros = |count| vec![0.0; count];
        Self {
            n: 0.0,
            x: zeros(levels),
            y: 0.0,
            xx: zeros(levels * levels),
            xy: zeros(levels),
            yy: 0.0,
        }
    }

    fn add(&mut self, flows: &[f64], y: f64) {
        self.n += 1.0;
        self.y += y;
        self.yy += y * y;
        let levels = flows.len();
        for (at, flow) in flows.iter().enumerate() {
            bump(&mut self.x, at, *flow);
            bump(&mut self.xy, at, flow * y);
            for (other, second) in flows.iter().enumerate() {
                bump(&mut self.xx, at * levels + other, flow * second);
            }
        }
    }

    fn join(&mut self, other: &Self) {
        self.n += other.n;
        self.y += other.y;
        self.yy += other.yy;
        for (mine, theirs) in
            [(&mut self.x, &other.x), (&mut self.xx, &other.xx), (&mut self.xy, &other.xy)]
        {
            mine.iter_mut().zip(theirs).for_each(|(sum, part)| *sum += part);
        }
    }

    /// Returns (Σz, Σz², Σzy) of z = w·x.
    fn along(&self, w: &[f64]) -> (f64, f64, f64) {
        let (mut z, mut zz, mut zy) = (0.0, 0.0, 0.0);
        for (at, weight) in w.iter().enumerate() {
            z += weight * get(&self.x, at);
            zy += weight * get(&self.xy, at);
            for (other, second) in w.iter().enumerate() {
                zz += weight * second * get(&self.xx, at * w.len() + other);
            }
        }
        (z, zz, zy)
    }
}

fn bump(values: &mut [f64], at: usize, by: f64) {
    if let Some(value) = values.get_mut(at) {
        *value += by;
    }
}

fn get(values: &[f64], at: usize) -> f64 {
    values.get(at).copied().unwrap_or(0.0)
}

/// A direction in the space of levels and the line of the move on it.
#[derive(Clone, Debug)]
struct Line {
    w: Vec<f64>,
    at_zero: f64,
    slope: f64,
}

state_of!(Line { w, at_zero, slope });

impl Line {
    fn fit(sums: &Sums, w: Vec<f64>) -> Self {
        let (z, zz, zy) = sums.along(&w);
        let spread = zz - z * z / sums.n;
        let slope = if spread > 0.0 { (zy - z * sums.y / sums.n) / spread } else { 0.0 };
        Self { w, at_zero: (sums.y - slope * z) / sums.n, slope }
    }

    /// Returns the share of variance of a block that the line explains.
    fn r_squared(&self, block: &Sums) -> f64 {
        let (z, zz, zy) = block.along(&self.w);
        let (a, b) = (self.at_zero, self.slope);
        let missed = block.yy + block.n * a * a + b * b * zz - 2.0 * a * block.y - 2.0 * b * zy
            + 2.0 * a * b * z;
        let total = block.yy - block.y * block.y / block.n;
        if total > 0.0 { 1.0 - missed / total } else { 0.0 }
    }
}

/// The gate and what stands behind it.
#[derive(Clone, Debug)]
pub(crate) struct Integrated {
    levels: usize,
    block: Option<i64>,
    sums: Sums,
    blocks: VecDeque<Sums>,
    /// The component and level 1, fitted at the last boundary.
    lines: Option<(Line, Line)>,
    /// Whether the component beat level 1 at the last two judgements.
    passed: VecDeque<bool>,
}

state_of!(Integrated { levels, block, sums, blocks, lines, passed });

impl Integrated {
    /// Returns a closed gate over `levels` levels.
    pub fn new(levels: usize) -> Self {
        let levels = levels.min(MAX_LEVELS);
        Self {
            levels,
            block: None,
            sums: Sums::new(levels),
            blocks: VecDeque::new(),
            lines: None,
            passed: VecDeque::new(),
        }
    }

    /// Refits where a bin that ends at `ts_ms` is the first of a half-hour; returns its value, `None` while the gate is shut.
    pub fn value(&mut self, ts_ms: i64, flows: &[f64]) -> Option<f64> {
        let block = (ts_ms - 1).div_euclid(BLOCK_MS);
        if self.block.is_some_and(|last| block > last) {
            self.refit();
        }
        self.block = Some(block);
        let open = self.passed.len() == 2 && self.passed.iter().all(|passed| *passed);
        let (line, _) = self.lines.as_ref().filter(|_| open)?;
        let mut sum = 0.0;
        for (weight, flow) in line.w.iter().zip(flows) {
            sum += weight * flow;
        }
        Some(sum)
    }

    /// Adds a bin: flow at each level over the mean depth, and the move of the mid.
    pub fn add(&mut self, flows: &[f64], y: f64) {
        self.sums.add(flows, y);
    }

    fn refit(&mut self) {
        let block = std::mem::replace(&mut self.sums, Sums::new(self.levels));
        if block.n < MIN_BINS {
            return;
        }
        if let Some((component, first)) = &self.lines {
            let passed = component.r_squared(&block) >= first.r_squared(&block) + MARGIN;
            self.passed.push_back(passed);
            if self.passed.len() > 2 {
                self.passed.pop_front();
            }
        }
        self.blocks.push_back(block);
        if self.blocks.len() > BLOCKS {
            self.blocks.pop_front();
        }
        let mut all = Sums::new(self.levels);
        for block in &self.blocks {
            all.join(block);
        }
        let mut level_1 = vec![0.0; self.levels];
        bump(&mut level_1, 0, 1.0);
        let component = Line::fit(&all, component(&all, self.levels));
        self.lines = Some((component, Line::fit(&all, level_1)));
    }
}

/// Returns the first principal component of the flows, by power iteration, over its L1 norm and with a positive sum.
fn component(sums: &Sums, levels: usize) -> Vec<f64> {
    let covariance = |row: usize, column: usize| {
        get(&sums.xx, row * levels + column) / sums.n
            - (get(&sums.x, row) / sums.n) * (get(&sums.x, column) / sums.n)
    };
    let matrix: Vec<Vec<f64>> = (0..levels)
        .map(|row| (0..levels).map(|column| covariance(row, column)).collect())
        .collect();
    let mut v = vec![1.0 / (levels as f64).sqrt(); levels];
    for _ in 0..STEPS {
        let mut next = Vec::with_capacity(levels);
        let mut squares = 0.0;
        for row in &matrix {
            let mut sum = 0.0;
            for (factor, value) in row.iter().zip(&v) {
                sum += factor * value;
            }
            squares += sum * sum;
            next.push(sum);
        }
        let length = squares.sqrt();
        if length <= 0.0 {
            break;
        }
        v = next.iter().map(|value| value / length).collect();
    }
    let (mut sum, mut size) = (0.0, 0.0);
    for value in &v {
        sum += value;
        size += value.abs();
    }
    let size = if sum < 0.0 { -size } else { size };
    v.iter().map(|value| value / size).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Six hours of bins of a minute in which the move follows `driver` of the two levels' flows.
    fn values(driver: fn(f64, f64) -> f64) -> Vec<Option<f64>> {
        let mut gate = Integrated::new(2);
        let mut seed = 3_u64;
        let mut draw = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 40) as f64 / f64::from(1 << 24) - 0.5
        };
        (1..=360)
            .map(|minute| {
                let common = draw();
                let flows = [common + draw(), common + draw()];
                let found = gate.value(minute * 60_000, &flows);
                gate.add(&flows, driver(flows[0], flows[1]) + 0.1 * draw());
                found
            })
            .collect()
    }

    #[test]
    fn the_gate_opens_only_where_the_levels_together_explain_more() {
        let open = values(|first, second| first + second);
        // Fitted after one half-hour, judged after two and three.
        assert!(open[..90].iter().all(Option::is_none));
        assert!(open[90..].iter().all(Option::is_some));
        assert!(values(|first, _| first).iter().all(Option::is_none));
    }

    #[test]
    fn the_component_has_norm_one_and_points_up() {
        let mut sums = Sums::new(2);
        for (a, b) in [(1.0, -1.0), (-2.0, 1.5), (0.5, -0.4), (0.1, 0.2)] {
            sums.add(&[a, b], 0.0);
        }
        let w = component(&sums, 2);
        assert!((w[0].abs() + w[1].abs() - 1.0).abs() < 1e-12);
        assert!(w[0] + w[1] > 0.0 && w[0] > 0.0 && w[1] < 0.0);
    }
}
