//! The stroke rules once more, as plainly as they can be said: all bars are kept and every question is answered by
//! walking over them. Slow, and the measure of the engine.

use chan::{Bar, FractalCheck, Params, StrokeAlgorithm};

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Top,
    Bottom,
}

use Side::{Bottom, Top};

impl Side {
    fn other(self) -> Self {
        if self == Top { Bottom } else { Top }
    }
}

struct Merged {
    raw: Vec<usize>,
    high: f64,
    low: f64,
    up: bool,
    fractal: Option<Side>,
}

/// (start_bar, end_bar, start_price, end_price)
pub type Shown = (usize, usize, f64, f64);

pub struct Model {
    params: Params,
    bars: Vec<Bar>,
    merged: Vec<Merged>,
    /// Strokes with a fractal end: merged begin, merged end, kind of the end.
    strokes: Vec<(usize, usize, Side)>,
}

impl Model {
    pub fn new(params: Params) -> Self {
        Self { params, bars: Vec::new(), merged: Vec::new(), strokes: Vec::new() }
    }

    pub fn merged_count(&self) -> usize {
        self.merged.len()
    }

    pub fn push(&mut self, bar: Bar) {
        let raw = self.bars.len();
        self.bars.push(bar);
        let (h, l) = (bar.high, bar.low);
        if let Some(last) = self.merged.last_mut()
            && ((last.high >= h && last.low <= l) || (last.high <= h && last.low >= l))
        {
            last.raw.push(raw);
            let stays = h == l && if last.up { h == last.high } else { l == last.low };
            if !stays && last.up {
                (last.high, last.low) = (last.high.max(h), last.low.max(l));
            } else if !stays {
                (last.high, last.low) = (last.high.min(h), last.low.min(l));
            }
            return;
        }
        let up = self.merged.last().is_none_or(|last| h > last.high);
        self.merged.push(Merged { raw: vec![raw], high: h, low: l, up, fractal: None });
        let Some(m) = self.merged.len().checked_sub(2) else { return };
        self.merged[m].fractal = self.judge(m);
        if let Some(side) = self.merged[m].fractal {
            self.settle(m, side);
        }
    }

    fn judge(&self, m: usize) -> Option<Side> {
        let (l, x, r) = (&self.merged[m.checked_sub(1)?], &self.merged[m], &self.merged[m + 1]);
        if x.high > l.high.max(r.high) && x.low > l.low.max(r.low) {
            return Some(Top);
        }
        (x.high < l.high.min(r.high) && x.low < l.low.min(r.low)).then_some(Bottom)
    }

    fn value(&self, at: usize, side: Side) -> f64 {
        if side == Top { self.merged[at].high } else { self.merged[at].low }
    }

    /// Whether price `a` is at least as extreme as `b`.
    fn reaches(side: Side, a: f64, b: f64) -> bool {
        if side == Top { a >= b } else { a <= b }
    }

    fn settle(&mut self, m: usize, side: Side) {
        let Some(&(_, a, a_side)) = self.strokes.last() else {
            let begin = (0..m).find(|&f| {
                self.merged[f].fractal == Some(side.other()) && self.can(f, m, side, false)
            });
            if let Some(begin) = begin {
                self.strokes.push((begin, m, side));
            }
            return;
        };
        if side == a_side {
            if Self::reaches(side, self.value(m, side), self.value(a, side)) {
                self.strokes.last_mut().unwrap().1 = m;
            }
        } else if self.can(a, m, side, false) {
            self.strokes.push((a, m, side));
        } else if self.better_peak(m, side) {
            self.strokes.pop();
            self.strokes.last_mut().unwrap().1 = m;
        }
    }

    fn better_peak(&self, m: usize, side: Side) -> bool {
        if self.params.bi_allow_sub_peak || self.strokes.len() < 2 {
            return false;
        }
        let (begin, peak, _) = self.strokes[self.strokes.len() - 2];
        let (_, end, end_side) = self.strokes[self.strokes.len() - 1];
        Self::reaches(side, self.value(m, side), self.value(peak, side))
            && Self::reaches(side, self.value(end, end_side), self.value(begin, end_side))
            && self.is_peak(begin, m, side)
    }

    fn is_peak(&self, begin: usize, end: usize, side: Side) -> bool {
        let price = self.value(end, side);
        (begin + 1..end).all(|k| Self::reaches(side, price, self.value(k, side)))
    }

    fn raw_range(&self, k: usize) -> (f64, f64) {
        let bars = || self.merged[k].raw.iter().map(|&i| self.bars[i]);
        (
            bars().map(|bar| bar.low).fold(f64::INFINITY, f64::min),
            bars().map(|bar| bar.high).fold(f64::NEG_INFINITY, f64::max),
        )
    }

    fn is_long(&self, a: usize, b: usize) -> bool {
        let mut span = b - a;
        if self.params.gap_as_kl && span < 4 {
            span += (a..b)
                .filter(|&k| {
                    let ((low, high), (next_low, next_high)) =
                        (self.raw_range(k), self.raw_range(k + 1));
                    low > next_high || high < next_low
                })
                .count();
        }
        let inside: usize = (a + 1..b).map(|k| self.merged[k].raw.len()).sum();
        if self.params.bi_strict { span >= 4 } else { span >= 3 && inside >= 3 }
    }

    fn can(&self, a: usize, b: usize, side: Side, provisional: bool) -> bool {
        if self.params.bi_algo == StrokeAlgorithm::Normal && !self.is_long(a, b) {
            return false;
        }
        let (around_b, around_a) = match self.params.bi_fx_check {
            FractalCheck::Half => (b - 1..=b, a..=a + 1),
            FractalCheck::Loss => (b..=b, a..=a),
            _ => (b - 1..=if provisional { b } else { b + 1 }, a - 1..=a + 1),
        };
        let inner = if self.params.bi_fx_check == FractalCheck::Totally {
            self.value(a, side)
        } else {
            self.value(a, side.other())
        };
        let beyond = |x: f64, y: f64| if side == Bottom { x > y } else { x < y };
        let clear = around_b.into_iter().all(|k| beyond(inner, self.value(k, side.other())));
        let clear = clear
            && (self.params.bi_fx_check == FractalCheck::Totally
                || around_a.into_iter().all(|k| beyond(self.value(k, side), self.value(b, side))));
        clear && (!self.params.bi_end_is_peak || self.is_peak(a, b, side))
    }

    fn peak_bar(&self, at: usize, side: Side) -> usize {
        let price = |bar: &Bar| if side == Top { bar.high } else { bar.low };
        let merged = self.value(at, side);
        *self.merged[at].raw.iter().rev().find(|&&i| price(&self.bars[i]) == merged).unwrap()
    }

    /// The strokes shown after the last bar, with the provisional tail.
    pub fn shown(&self) -> Vec<Shown> {
        let mut strokes = self.strokes.clone();
        self.add_tail(&mut strokes);
        strokes
            .into_iter()
            .map(|(begin, end, side)| {
                let (start, stop) = (self.peak_bar(begin, side.other()), self.peak_bar(end, side));
                (start, stop, self.value(begin, side.other()), self.value(end, side))
            })
            .collect()
    }

    fn add_tail(&self, strokes: &mut Vec<(usize, usize, Side)>) {
        let Some(&(_, a, a_side)) = strokes.last() else { return };
        let last = self.merged.len() - 1;
        if Self::reaches(a_side, self.value(last, a_side), self.value(a, a_side)) {
            strokes.last_mut().unwrap().1 = last;
            return;
        }
        let side = a_side.other();
        for k in (a + 1..=last).rev().filter(|&k| self.merged[k].up == (side == Top)) {
            if self.can(a, k, side, true) {
                strokes.push((a, k, side));
                return;
            }
            if self.better_peak(k, side) {
                strokes.pop();
                strokes.last_mut().unwrap().1 = k;
                return;
            }
        }
    }
}
