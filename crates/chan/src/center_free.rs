//! Centers whatever the segments are: the first three consecutive elements with a common overlap, and every further
//! one that overlaps it. The element before the first that does not is the exit.

use crate::center::{At, Center, Cursor};
use crate::center_stack::CenterStack;

/// Where the search stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Search {
    /// A center is sought from this element on.
    From(usize),
    /// The last center runs. These are its peaks without its last element, which turns out to be its exit if the
    /// next one does not overlap. It is made of all its elements.
    Running { peak_low: f64, peak_high: f64 },
}

impl Search {
    /// The search before the first element, which no center begins with.
    pub const NEW: Self = Self::From(1);

    pub fn is_running(self) -> bool {
        matches!(self, Self::Running { .. })
    }
}

/// Reads one element.
pub(crate) fn read(at: &At<'_>, cursor: &mut Cursor, stack: &mut CenterStack) {
    let Cursor::Free(search) = *cursor else { return };
    let next = match search {
        Search::Running { peak_low, peak_high } => run_on(at, (peak_low, peak_high), stack),
        Search::From(from) => begin(at, from, stack),
    };
    *cursor = Cursor::Free(next);
}

fn run_on(at: &At<'_>, inner: (f64, f64), stack: &mut CenterStack) -> Search {
    let (Some(&last), Some(element)) = (stack.last(), at.elements.get(at.index)) else {
        return Search::From(at.index);
    };
    if at.overlaps(&last, element) {
        stack.replace_last(last.extended(at.index, at.elements));
        return Search::Running { peak_low: last.peak_low, peak_high: last.peak_high };
    }
    let (peak_low, peak_high) = inner;
    let (all_low, all_high) = inner;
    stack.replace_last(Center {
        end: last.end - 1,
        peak_low,
        peak_high,
        all_low,
        all_high,
        ..last
    });
    Search::From(at.index)
}

fn begin(at: &At<'_>, from: usize, stack: &mut CenterStack) -> Search {
    let keep = Search::From(from);
    let Some(start) = at.index.checked_sub(2).filter(|start| *start >= from) else { return keep };
    let Some(first) = at.elements.get(start) else { return keep };
    let two = Center::of(start, first).narrowed(start + 1, at.elements);
    let center = two.narrowed(at.index, at.elements);
    if !at.is_range(&center) {
        return keep;
    }
    stack.push(center);
    Search::Running { peak_low: two.peak_low, peak_high: two.peak_high }
}

#[cfg(test)]
mod tests {
    use crate::center::{Center, CenterMachine};
    use crate::center_params::{CenterAlgorithm, CenterParams};
    use crate::element::Element;
    use crate::inclusion::Direction;

    /// Returns the centers of the elements between these prices.
    fn centers(prices: &[f64], touch_overlaps: bool) -> Vec<Center> {
        let elements: Vec<Element> = prices
            .windows(2)
            .map(|pair| Element {
                begin_bar: 0,
                end_bar: 1,
                begin_ts_ms: 0,
                end_ts_ms: 0,
                begin_price: pair[0],
                end_price: pair[1],
                low: pair[0].min(pair[1]),
                high: pair[0].max(pair[1]),
                first_bar: 0,
                last_bar: 1,
                direction: if pair[1] > pair[0] { Direction::Up } else { Direction::Down },
                sure: true,
                confirmed: true,
            })
            .collect();
        let zs_algo = CenterAlgorithm::Free;
        let params = CenterParams { zs_algo, touch_overlaps, ..CenterParams::default() };
        let mut machine = CenterMachine::new(params);
        machine.update(&elements, &[], 0, 0);
        machine.centers().to_vec()
    }

    fn shown(prices: &[f64]) -> Vec<(usize, usize, f64, f64)> {
        let all = centers(prices, false);
        all.iter().map(|center| (center.start, center.end, center.low, center.high)).collect()
    }

    #[test]
    fn three_elements_with_a_common_range_are_a_center_that_the_first_one_never_opens() {
        assert_eq!(shown(&[0.0, 10.0, 5.0, 9.0]), []);
        assert_eq!(shown(&[0.0, 10.0, 5.0, 9.0, 6.0]), [(1, 3, 6.0, 9.0)]);
    }

    #[test]
    fn the_element_before_the_first_that_stays_out_is_the_exit() {
        // Element 4 leaves upwards, element 5 does not come back to 9.
        let prices = [0.0, 10.0, 5.0, 9.0, 6.0, 20.0, 15.0];
        assert_eq!(shown(&prices), [(1, 3, 6.0, 9.0)]);
        assert_eq!(centers(&prices, false)[0].exit(prices.len() - 1), Some(4));
        // While nothing stays out, element 4 is inside.
        assert_eq!(shown(&prices[..6]), [(1, 4, 6.0, 9.0)]);
    }

    #[test]
    fn the_search_goes_on_at_the_element_that_stayed_out() {
        let prices = [0.0, 10.0, 5.0, 9.0, 6.0, 20.0, 15.0, 19.0, 16.0, 18.0];
        assert_eq!(shown(&prices), [(1, 3, 6.0, 9.0), (5, 8, 16.0, 19.0)]);
    }

    #[test]
    fn the_peaks_are_those_of_the_elements_inside() {
        let prices = [0.0, 10.0, 5.0, 9.0, 6.0, 20.0, 15.0];
        let peaks = |prices: &[f64]| {
            let center = centers(prices, false)[0];
            (center.peak_low, center.peak_high)
        };
        assert_eq!(peaks(&prices[..6]), (5.0, 20.0));
        assert_eq!(peaks(&prices), (5.0, 10.0));
    }

    #[test]
    fn ranges_that_touch_overlap_if_they_are_said_to() {
        // Element 5 comes back to the upper edge and not below it.
        let prices = [0.0, 10.0, 5.0, 9.0, 6.0, 20.0, 9.0];
        assert_eq!(centers(&prices, false)[0].end, 3);
        assert_eq!(centers(&prices, true)[0].end, 5);
    }

    #[test]
    fn the_grade_rises_with_the_elements_inside() {
        let grade = |turns: u32| {
            let prices = (0..=turns).map(|at| f64::from(at % 2));
            centers(&prices.collect::<Vec<_>>(), false)[0].grade()
        };
        assert_eq!([4, 9, 10, 27, 28].map(grade), [1, 1, 2, 2, 3]);
    }
}
