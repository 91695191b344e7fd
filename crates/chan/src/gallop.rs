//! Binary search that first looks near one end, since what is asked for mostly lies there.

/// Returns what `slice.partition_point(before)` does, in time that grows with the distance of the answer from the end.
pub(crate) fn from_end<T>(slice: &[T], before: impl Fn(&T) -> bool) -> usize {
    let mut width = 4;
    loop {
        let low = slice.len().saturating_sub(width);
        let (head, tail) = slice.split_at(low);
        if head.last().is_none_or(&before) {
            return low + tail.partition_point(&before);
        }
        width = width.saturating_mul(4);
    }
}

/// Returns what `slice.partition_point(before)` does, in time that grows with the answer.
pub(crate) fn from_begin<T>(slice: &[T], before: impl Fn(&T) -> bool) -> usize {
    let mut width = 4;
    loop {
        let (head, tail) = slice.split_at(width.min(slice.len()));
        if tail.first().is_none_or(|next| !before(next)) {
            return head.partition_point(&before);
        }
        width = width.saturating_mul(4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_find_every_place_in_lists_of_every_length() {
        for length in 0..90 {
            let list: Vec<usize> = (0..length).collect();
            for edge in 0..=length {
                assert_eq!(from_end(&list, |value| *value < edge), edge);
                assert_eq!(from_begin(&list, |value| *value < edge), edge);
            }
        }
    }
}
