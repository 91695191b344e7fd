//! Snapshots: what is made again shows the same and goes on like it.

#![allow(clippy::unwrap_used, reason = "a test may panic, its support too")]

#[path = "support/mod.rs"]
#[allow(dead_code, reason = "only the walk is needed here")]
mod support;

use chan::{Bar, LevelKind, Recording};
use support::walk;

fn engine(preset: &str) -> Recording {
    let settings = vec![("divergence_rate".to_owned(), "inf".to_owned())];
    Recording::new(preset, settings, true).unwrap()
}

#[test]
fn a_restored_engine_goes_on_like_the_one_it_was() {
    let mut points = 0;
    for (preset, seed) in [("default", 1), ("new_bi", 2), ("czsc6", 3), ("textbook", 4)] {
        let bars = walk(900, seed);
        let (past, rest) = bars.split_at(600);
        let mut kept = engine(preset);
        for bar in past {
            kept.push(Bar { high: bar.high + 3.0, ..*bar }).unwrap();
            kept.replace(*bar).unwrap();
        }
        let mut restored = Recording::restore(&kept.snapshot()).unwrap();
        assert_eq!(restored.snapshot(), kept.snapshot());
        for bar in rest {
            assert_eq!(restored.push(*bar).unwrap(), kept.push(*bar).unwrap(), "{preset}");
        }
        let (now, expected) = (restored.engine().records(), kept.engine().records());
        for level in [LevelKind::Stroke, LevelKind::Segment] {
            assert_eq!(now.segments(level), expected.segments(level));
            assert_eq!(now.void_points(level), expected.void_points(level));
        }
        points += now.points(LevelKind::Stroke).len();
    }
    assert!(points > 0);
}

#[test]
fn a_damaged_snapshot_is_refused() {
    let mut kept = engine("default");
    for bar in walk(20, 5) {
        kept.push(bar).unwrap();
    }
    let bytes = kept.snapshot();
    for end in 0..bytes.len() {
        assert!(Recording::restore(&bytes[..end]).is_err(), "cut after {end} bytes");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    let refused = Recording::restore(&longer).unwrap_err().to_string();
    assert!(refused.contains(&format!("byte {}", bytes.len())), "{refused}");
}
