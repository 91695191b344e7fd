//! Divergence (背驰): a later leg that goes further with less force. The metrics say what force is.

use crate::divergence_columns::Columns;
use crate::element::Element;
use crate::error::ChanError;
use crate::inclusion::Direction;
use crate::params::bad_value;

/// What every sum starts from and no peak falls below, so that no ratio is divided by zero.
const FLOOR: f64 = 1e-7;

/// The measure of force (`macd_algo`). `K1` are the raw bars of the merged bars from begin to end, `K2` those from the
/// begin's peak bar to the end's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// The highest MACD histogram of the leg's sign, over K1, quote units (`peak`).
    Peak,
    /// The sum of the histogram of the leg's sign, over K2 (`full_area`).
    FullArea,
    /// The sum of the histogram while it keeps its sign, of an entry from its begin, of an exit from its end (`area`).
    Area,
    /// The highest less the lowest histogram, over K1 (`diff`).
    Diff,
    /// The share of its high the leg covers per bar of K2 (`slope`).
    Slope,
    /// The share of its begin the leg covers (`amp`).
    Amp,
    /// The highest RSI(14) over K1, of a down leg 10,000 by the lowest (`rsi`).
    Rsi,
    /// The volume over K1 (`volume`).
    Volume,
    /// The volume over K1 per bar of K2 (`volume_avg`).
    VolumeAverage,
    /// The amount over K1 (`amount`).
    Amount,
    /// The amount over K1 per bar of K2 (`amount_avg`).
    AmountAverage,
}

/// Which columns of the bars a metric reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// The MACD histogram, from closes.
    pub histogram: bool,
    /// RSI, from closes.
    pub rsi: bool,
    /// The volume.
    pub volume: bool,
    /// The amount.
    pub amount: bool,
}

impl Needs {
    /// Returns the columns either of the two reads.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self {
            histogram: self.histogram || other.histogram,
            rsi: self.rsi || other.rsi,
            volume: self.volume || other.volume,
            amount: self.amount || other.amount,
        }
    }
}

/// The leg whose force is measured, and whether it is the earlier or the later of the two.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Leg<'a> {
    Entry(&'a Element),
    Exit(&'a Element),
}

impl Metric {
    const NAMED: [(&'static str, Self); 13] = [
        ("peak", Self::Peak),
        ("full_area", Self::FullArea),
        ("area", Self::Area),
        ("diff", Self::Diff),
        ("slope", Self::Slope),
        ("amp", Self::Amp),
        ("rsi", Self::Rsi),
        ("volume", Self::Volume),
        ("volume_avg", Self::VolumeAverage),
        ("amount", Self::Amount),
        ("amount_avg", Self::AmountAverage),
        ("volumn", Self::Volume),
        ("volumn_avg", Self::VolumeAverage),
    ];

    pub(crate) fn named(key: &str, value: &str) -> Result<Self, ChanError> {
        let found = Self::NAMED.iter().find(|(name, _)| *name == value);
        let allowed =
            "peak, full_area, area, diff, slope, amp, rsi, volume, volume_avg, amount, amount_avg";
        found.map(|(_, metric)| *metric).ok_or_else(|| bad_value(key, value, allowed))
    }

    /// Returns its word.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMED.iter().find(|(_, metric)| *metric == self).map_or("", |(name, _)| name)
    }

    /// Whether it can be taken of a segment.
    pub(crate) fn suits_segments(self) -> bool {
        matches!(self, Self::Slope | Self::Amp)
    }

    /// Returns which columns it reads.
    #[must_use]
    pub fn needs(self) -> Needs {
        let none = Needs::default();
        match self {
            Self::Peak | Self::FullArea | Self::Area | Self::Diff => {
                Needs { histogram: true, ..none }
            }
            Self::Rsi => Needs { rsi: true, ..none },
            Self::Volume | Self::VolumeAverage => Needs { volume: true, ..none },
            Self::Amount | Self::AmountAverage => Needs { amount: true, ..none },
            Self::Slope | Self::Amp => none,
        }
    }

    /// Returns the force of a leg. Sums run in the order of the bars.
    pub(crate) fn of(self, leg: Leg<'_>, columns: &Columns) -> f64 {
        let (Leg::Entry(e) | Leg::Exit(e)) = leg;
        let up = e.direction == Direction::Up;
        match self {
            Self::Peak => peak(span(&columns.histogram, e.first_bar, e.last_bar), up),
            Self::FullArea => full_area(span(&columns.histogram, e.begin_bar, e.end_bar), up),
            Self::Area => match leg {
                Leg::Entry(_) => {
                    one_sided(span(&columns.histogram, e.begin_bar, e.last_bar).iter())
                }
                Leg::Exit(_) => {
                    one_sided(span(&columns.histogram, e.first_bar, e.end_bar).iter().rev())
                }
            },
            Self::Diff => {
                let bars = span(&columns.histogram, e.first_bar, e.last_bar);
                highest(bars) - lowest(bars)
            }
            Self::Slope => covered(e, e.high) / bar_count(e),
            Self::Amp => covered(e, if up { e.low } else { e.high }),
            Self::Rsi => {
                let bars = span(&columns.rsi, e.first_bar, e.last_bar);
                if up { highest(bars) } else { 10_000.0 / (lowest(bars) + FLOOR) }
            }
            Self::Volume => sum(&columns.volume, e),
            Self::VolumeAverage => sum(&columns.volume, e) / bar_count(e),
            Self::Amount => sum(&columns.amount, e),
            Self::AmountAverage => sum(&columns.amount, e) / bar_count(e),
        }
    }
}

/// The values of these bars, both included.
fn span(column: &[f64], first: usize, last: usize) -> &[f64] {
    column.get(first..=last).unwrap_or_default()
}

fn peak(histogram: &[f64], up: bool) -> f64 {
    let sided = histogram.iter().map(|value| if up { *value } else { -*value });
    sided.fold(FLOOR, |peak, value| if value > peak { value } else { peak })
}

fn full_area(histogram: &[f64], up: bool) -> f64 {
    let sided = histogram.iter().map(|value| if up { *value } else { -*value });
    sided.filter(|value| *value > 0.0).fold(FLOOR, |sum, value| sum + value)
}

/// The sum of sizes up to the first value that has not the sign of the first one.
fn one_sided<'a>(mut values: impl Iterator<Item = &'a f64> + Clone) -> f64 {
    let Some(first) = values.clone().next() else { return FLOOR };
    values
        .try_fold(
            FLOOR,
            |sum, value| {
                if value * first > 0.0 { Ok(sum + value.abs()) } else { Err(sum) }
            },
        )
        .unwrap_or_else(|sum| sum)
}

fn highest(values: &[f64]) -> f64 {
    values.iter().fold(f64::NEG_INFINITY, |highest, value| highest.max(*value))
}

fn lowest(values: &[f64]) -> f64 {
    values.iter().fold(f64::INFINITY, |lowest, value| lowest.min(*value))
}

fn covered(e: &Element, of: f64) -> f64 {
    (e.high - e.low) / of
}

fn sum(column: &[f64], e: &Element) -> f64 {
    span(column, e.first_bar, e.last_bar).iter().fold(0.0, |sum, value| sum + value)
}

/// How many bars K2 has. A count of bars is far below 2^32.
fn bar_count(e: &Element) -> f64 {
    f64::from(u32::try_from(e.end_bar - e.begin_bar + 1).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A leg over bars 1 to 5, its peaks in bars 2 and 4.
    fn leg(direction: Direction) -> Element {
        let (begin_price, end_price) =
            if direction == Direction::Up { (8.0, 10.0) } else { (10.0, 8.0) };
        Element {
            begin_bar: 2,
            end_bar: 4,
            begin_ts_ms: 0,
            end_ts_ms: 0,
            begin_price,
            end_price,
            low: 8.0,
            high: 10.0,
            first_bar: 1,
            last_bar: 5,
            direction,
            sure: true,
            confirmed: true,
        }
    }

    fn columns() -> Columns {
        let mut columns = Columns::new(Needs::default());
        columns.histogram = vec![9.0, -3.0, 1.0, 2.0, -1.0, 4.0, 9.0];
        columns.rsi = vec![99.0, 40.0, 50.0, 60.0, 30.0, 20.0, 1.0];
        columns.volume = vec![100.0, 1.0, 2.0, 3.0, 4.0, 5.0, 100.0];
        columns.amount = vec![100.0, 2.0, 4.0, 6.0, 8.0, 10.0, 100.0];
        columns
    }

    fn values(metric: Metric) -> [f64; 4] {
        let (columns, up, down) = (columns(), leg(Direction::Up), leg(Direction::Down));
        [Leg::Entry(&up), Leg::Exit(&up), Leg::Entry(&down), Leg::Exit(&down)]
            .map(|leg| metric.of(leg, &columns))
    }

    #[test]
    fn each_metric_reads_its_bars() {
        for (metric, expected) in [
            (Metric::Peak, [4.0, 4.0, 3.0, 3.0]),
            (Metric::FullArea, [3.0 + FLOOR, 3.0 + FLOOR, 1.0 + FLOOR, 1.0 + FLOOR]),
            // From bar 2 forward 1, 2; from bar 4 backward -1 alone.
            (Metric::Area, [3.0 + FLOOR, 1.0 + FLOOR, 3.0 + FLOOR, 1.0 + FLOOR]),
            (Metric::Diff, [7.0; 4]),
            (Metric::Slope, [2.0 / 10.0 / 3.0; 4]),
            (Metric::Amp, [0.25, 0.25, 0.2, 0.2]),
            (Metric::Rsi, [60.0, 60.0, 10_000.0 / (20.0 + FLOOR), 10_000.0 / (20.0 + FLOOR)]),
            (Metric::Volume, [15.0; 4]),
            (Metric::VolumeAverage, [5.0; 4]),
            (Metric::Amount, [30.0; 4]),
            (Metric::AmountAverage, [10.0; 4]),
        ] {
            for (value, expected) in values(metric).into_iter().zip(expected) {
                assert!((value - expected).abs() < 1e-12, "{}: {value}", metric.name());
            }
        }
    }

    #[test]
    fn a_leg_without_a_bar_of_its_sign_has_the_floor() {
        let mut columns = columns();
        columns.histogram = vec![-1.0; 7];
        let up = leg(Direction::Up);
        assert_eq!(Metric::Peak.of(Leg::Exit(&up), &columns), FLOOR);
        assert_eq!(Metric::FullArea.of(Leg::Exit(&up), &columns), FLOOR);
    }

    #[test]
    fn every_metric_is_found_by_its_name_and_the_old_spelling_too() {
        for (name, metric) in Metric::NAMED {
            assert_eq!(Metric::named("macd_algo", name), Ok(metric));
        }
        assert_eq!(Metric::named("macd_algo", "volumn").map(Metric::name), Ok("volume"));
    }
}
