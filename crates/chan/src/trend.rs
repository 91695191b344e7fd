//! Trend types (走势类型): what a row of centers makes together.

use crate::center::Center;
use crate::element::Element;
use crate::error::ChanError;
use crate::inclusion::Direction;
use crate::params::bad_value;

/// What must be apart for two centers to make a trend (`trend_compare`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrendCompare {
    /// Their peak ranges (`peak`).
    Peak,
    /// Their ranges (`range`).
    Range,
}

impl TrendCompare {
    pub(crate) fn named(key: &str, value: &str) -> Result<Self, ChanError> {
        match value {
            "peak" => Ok(Self::Peak),
            "range" => Ok(Self::Range),
            _ => Err(bad_value(key, value, "peak, range")),
        }
    }

    /// Returns where `later` lies from `earlier`; none if they overlap or touch.
    fn way(self, earlier: &Center, later: &Center) -> Option<Direction> {
        let edges = |center: &Center| match self {
            Self::Peak => (center.peak_low, center.peak_high),
            Self::Range => (center.low, center.high),
        };
        let ((low, high), (later_low, later_high)) = (edges(earlier), edges(later));
        if later_low > high {
            Some(Direction::Up)
        } else if later_high < low {
            Some(Direction::Down)
        } else {
            None
        }
    }
}

/// Whether a trend type has one center or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrendKind {
    /// One center (盘整).
    Consolidation,
    /// Two or more centers, each apart from the one before in the same direction (趋势).
    Trend,
}

/// One trend type. Centers and elements are indices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrendType {
    /// Consolidation or trend.
    pub kind: TrendKind,
    /// Of a trend where its centers go; of a consolidation up unless it ends below its begin.
    pub direction: Direction,
    /// Its first center.
    pub first_center: usize,
    /// Its last center.
    pub last_center: usize,
    /// The element that leads into its first center, or the first one inside if that is the very first of all.
    pub start_element: usize,
    /// The element that leads out of its last center, or while there is none the last one inside.
    pub end_element: usize,
}

/// Returns the trend types of one level, in order. Each center belongs to one: the longest row from the first center
/// on is the first trend type, and the next begins with the center after it.
#[must_use]
pub fn trend_types(
    centers: &[Center],
    elements: &[Element],
    compare: TrendCompare,
) -> Vec<TrendType> {
    let mut trends = Vec::new();
    let mut first = 0;
    while first < centers.len() {
        let way = |i: usize| compare.way(centers.get(i)?, centers.get(i + 1)?);
        let direction = way(first);
        let mut last = first;
        while direction.is_some() && way(last) == direction {
            last += 1;
        }
        trends.extend(trend_type(centers, elements, (first, last), direction));
        first = last + 1;
    }
    trends
}

fn trend_type(
    centers: &[Center],
    elements: &[Element],
    (first_center, last_center): (usize, usize),
    direction: Option<Direction>,
) -> Option<TrendType> {
    let (first, last) = (centers.get(first_center)?, centers.get(last_center)?);
    let start_element = first.entry().unwrap_or(first.start);
    let end_element = last.exit(elements.len()).unwrap_or(last.end);
    let (begin, end) = (elements.get(start_element)?, elements.get(end_element)?);
    let falls = end.end_price < begin.begin_price;
    let kind = if direction.is_some() { TrendKind::Trend } else { TrendKind::Consolidation };
    let direction = direction.unwrap_or(if falls { Direction::Down } else { Direction::Up });
    Some(TrendType { kind, direction, first_center, last_center, start_element, end_element })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(begin_price: f64, end_price: f64) -> Element {
        let up = end_price > begin_price;
        Element {
            begin_bar: 0,
            end_bar: 1,
            begin_ts_ms: 0,
            end_ts_ms: 1,
            begin_price,
            end_price,
            low: begin_price.min(end_price),
            high: begin_price.max(end_price),
            first_bar: 0,
            last_bar: 1,
            direction: if up { Direction::Up } else { Direction::Down },
            sure: true,
            confirmed: true,
        }
    }

    /// Centers of one element each, of a range and one more on each side as peaks, entered and left by one.
    fn rows(ranges: &[(f64, f64)]) -> (Vec<Center>, Vec<Element>) {
        let center = |(i, &(low, high)): (usize, &(f64, f64))| {
            let at = 2 * i + 1;
            let (peak_low, peak_high) = (low - 1.0, high + 1.0);
            let (all_low, all_high) = (peak_low, peak_high);
            Center { start: at, end: at, low, high, peak_low, peak_high, all_low, all_high }
        };
        let elements = (0..2 * ranges.len()).map(|i| element(i as f64, 9.0 - i as f64)).collect();
        (ranges.iter().enumerate().map(center).collect(), elements)
    }

    fn shown(ranges: &[(f64, f64)], compare: TrendCompare) -> Vec<(TrendKind, usize, usize)> {
        let (centers, elements) = rows(ranges);
        let trends = trend_types(&centers, &elements, compare);
        trends.iter().map(|t| (t.kind, t.first_center, t.last_center)).collect()
    }

    #[test]
    fn centers_that_rise_apart_are_a_trend_and_a_turn_begins_another() {
        let ranges = [(1.0, 2.0), (5.0, 6.0), (9.0, 10.0), (5.0, 6.0), (1.0, 2.0)];
        let expected = vec![(TrendKind::Trend, 0, 2), (TrendKind::Trend, 3, 4)];
        assert_eq!(shown(&ranges, TrendCompare::Peak), expected);
        let (centers, elements) = rows(&ranges);
        let trends = trend_types(&centers, &elements, TrendCompare::Peak);
        let ways: Vec<_> = trends.iter().map(|trend| trend.direction).collect();
        assert_eq!(ways, [Direction::Up, Direction::Down]);
        assert_eq!((trends[0].start_element, trends[0].end_element), (0, 6));
        // The last center has no exit yet.
        assert_eq!((trends[1].start_element, trends[1].end_element), (6, 9));
    }

    #[test]
    fn peaks_that_touch_are_apart_by_range_alone() {
        let ranges = [(1.0, 2.0), (4.0, 6.0)];
        let apart = [(TrendKind::Consolidation, 0, 0), (TrendKind::Consolidation, 1, 1)];
        assert_eq!(shown(&ranges, TrendCompare::Peak), apart);
        assert_eq!(shown(&ranges, TrendCompare::Range), [(TrendKind::Trend, 0, 1)]);
    }

    #[test]
    fn no_centers_make_no_trend_types() {
        assert!(trend_types(&[], &[], TrendCompare::Peak).is_empty());
    }
}
