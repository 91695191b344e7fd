//! An append-only list of numbers that finds the nearest one above a bound in logarithmic time.

const WIDTH: usize = 16;
/// 16^8 numbers: more than memory holds.
const LEVELS: usize = 8;

/// Level 0 has the numbers; each number of a higher level is the greatest of the 16 below it.
#[derive(Debug, Clone, Default)]
pub(crate) struct RangeMax {
    levels: [Vec<f64>; LEVELS],
}

impl RangeMax {
    /// Appends a number.
    pub fn push(&mut self, value: f64) {
        let mut node = self.levels[0].len();
        for level in &mut self.levels {
            match level.get_mut(node) {
                Some(greatest) => *greatest = greatest.max(value),
                None => level.push(value),
            }
            node /= WIDTH;
        }
    }

    /// Keeps the first `len` numbers.
    pub fn truncate(&mut self, len: usize) {
        let mut nodes = len;
        self.levels[0].truncate(nodes);
        for level in 1..LEVELS {
            nodes = nodes.div_ceil(WIDTH);
            let (below, above) = self.levels.split_at_mut(level);
            above[0].truncate(nodes);
            if let Some(last) = above[0].last_mut() {
                let inside = below[level - 1].iter().skip((nodes - 1) * WIDTH);
                *last = inside.copied().fold(f64::NEG_INFINITY, f64::max);
            }
        }
    }

    /// Returns the first position at or after `from` whose number is above `bound`.
    pub fn first_above(&self, from: usize, bound: f64) -> Option<usize> {
        let (mut level, mut node) = (0, from);
        loop {
            if *self.levels[level].get(node)? > bound {
                if level == 0 {
                    return Some(node);
                }
                level -= 1;
                node *= WIDTH;
            } else {
                node += 1;
                while node.is_multiple_of(WIDTH) && level + 1 < LEVELS {
                    node /= WIDTH;
                    level += 1;
                }
            }
        }
    }

    /// Returns the last position before `end`, at most the length, whose number is above `bound`.
    pub fn last_above(&self, end: usize, bound: f64) -> Option<usize> {
        let (mut level, mut node) = (0, end);
        loop {
            // `node` is one past the next node to look at.
            while node.is_multiple_of(WIDTH) && level + 1 < LEVELS {
                node /= WIDTH;
                level += 1;
            }
            node = node.checked_sub(1)?;
            while *self.levels[level].get(node)? > bound {
                if level == 0 {
                    return Some(node);
                }
                level -= 1;
                node = node * WIDTH + WIDTH - 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_finds_what_a_plain_scan_finds() {
        let mut seed = 7_u64;
        let mut plain: Vec<f64> = Vec::new();
        let mut tree = RangeMax::default();
        for round in 0..3_000_usize {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let value = f64::from(u16::try_from(seed >> 52).unwrap() % 500);
            plain.push(value);
            tree.push(value);
            if round % 700 == 699 {
                plain.truncate(round / 3);
                tree.truncate(round / 3);
            }
            let (at, bound) =
                (round % (plain.len() + 1), f64::from(u16::try_from(round % 510).unwrap()));
            let first = (at..plain.len()).find(|&i| plain[i] > bound);
            let last = (0..at).rev().find(|&i| plain[i] > bound);
            assert_eq!(tree.first_above(at, bound), first, "round {round}");
            assert_eq!(tree.last_above(at, bound), last, "round {round}");
        }
    }
}
