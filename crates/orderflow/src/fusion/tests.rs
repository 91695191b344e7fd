use super::*;

fn bin(ts_ms: i64, z_ofi: f64, z_cvd: f64) -> FusionInput {
    FusionInput {
        ts_ms,
        bin_ms: 1_000,
        z_ofi: Some(z_ofi),
        z_cvd: Some(z_cvd),
        book_ok: Some(true),
        ofi_age_ms: Some(3_000),
        cvd_age_ms: Some(0),
        spread_bps: Some(20.0),
    }
}

/// Drives fusion with (z_ofi, z_cvd) pairs and returns the signals' names.
fn signals(pairs: &[(f64, f64)]) -> Vec<&'static str> {
    let mut fusion = Fusion::default();
    let step = |(at, (ofi, cvd)): (usize, &(f64, f64))| {
        fusion.step(&bin(at as i64 * 1_000, *ofi, *cvd)).signal.name()
    };
    pairs.iter().enumerate().map(step).collect()
}

#[test]
fn states_follow_the_table() {
    // Score = z where both legs are equal, so consistency is 1.
    type Case<'a> = (&'a [(f64, f64)], &'a [&'a str]);
    let cases: [Case<'_>; 8] = [
        (&[(0.75, 0.75), (0.76, 0.76)], &["neutral", "buy"]),
        (&[(1.8, 1.8), (1.0, 1.0), (0.9, 0.9)], &["strong_buy", "strong_buy", "buy"]),
        (&[(1.0, 1.0), (0.61, 0.61), (0.59, 0.59)], &["buy", "buy", "neutral"]),
        (&[(1.0, 1.0), (-0.99, -0.99)], &["buy", "neutral"]),
        (&[(1.0, 1.0), (-1.0, -1.0), (-1.7, -1.7)], &["buy", "sell", "strong_sell"]),
        (&[(1.0, 1.0), (-2.0, -2.0)], &["buy", "strong_sell"]),
        (&[(4.0, -0.1), (4.0, 0.4), (4.0, 0.5)], &["neutral", "neutral", "buy"]),
        (&[(0.0, 0.0)], &["neutral"]),
    ];
    for (pairs, wanted) in cases {
        assert_eq!(signals(pairs), wanted, "{pairs:?}");
    }
}

#[test]
fn mirrored_input_gives_mirrored_states() {
    let mut seed = 1_u64;
    let mut draw = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ((seed >> 40) as f64 / f64::from(1 << 24) - 0.5) * 10.0
    };
    let (mut one, mut other) = (Fusion::default(), Fusion::default());
    for at in 0..5_000 {
        let input = FusionInput { bin_ms: 100, ..bin(at * 100, draw(), draw()) };
        let (a, b) = (input.z_ofi.unwrap_or(0.0), input.z_cvd.unwrap_or(0.0));
        let mirror = FusionInput { z_ofi: Some(-a), z_cvd: Some(-b), ..input };
        let (left, right) = (one.step(&input), other.step(&mirror));
        assert_eq!(left.signal.direction(), -right.signal.direction());
        assert_eq!(left.score, right.score.map(|score| -score));
        assert_eq!(left.reasons, right.reasons);
    }
}

#[test]
fn what_is_not_eligible_is_flat_at_once_and_says_why() {
    let good = bin(1_000, 2.0, 2.0);
    let cases = [
        (FusionInput { z_cvd: None, ..good }, "warmup"),
        (FusionInput { book_ok: Some(false), z_ofi: None, ..good }, "book_not_ok"),
        (FusionInput { ofi_age_ms: Some(3_001), ..good }, "stale_ofi"),
        (FusionInput { cvd_age_ms: None, ..good }, "stale_cvd"),
        (FusionInput { spread_bps: Some(20.1), ..good }, "wide_spread"),
    ];
    for (input, reason) in cases {
        let mut fusion = Fusion::default();
        assert_eq!(fusion.step(&good).signal, Signal::StrongBuy);
        let output = fusion.step(&input);
        assert_eq!((output.signal, output.score), (Signal::Neutral, None));
        assert_eq!(output.reasons.names().collect::<Vec<_>>(), [reason]);
    }
}

#[test]
fn short_bins_cool_down_between_entries_but_may_flip() {
    let mut fusion = Fusion::default();
    let mut step = |ts_ms, z| {
        let output = fusion.step(&FusionInput { bin_ms: 100, ..bin(ts_ms, z, z) });
        (output.signal.name(), output.reasons.has(Reasons::COOLDOWN))
    };
    assert_eq!(step(100, 1.0), ("buy", false));
    assert_eq!(step(200, 0.0), ("neutral", false));
    assert_eq!(step(300, 1.0), ("neutral", true));
    assert_eq!(step(400, 1.0), ("buy", false));
    assert_eq!(step(500, -1.0), ("sell", false));
}

#[test]
fn reasons_name_holds_and_boosts() {
    let mut fusion = Fusion::default();
    let mut names = |at: i64, ofi, cvd| {
        fusion.step(&bin(at, ofi, cvd)).reasons.names().collect::<Vec<_>>().join(",")
    };
    assert_eq!(names(0, 4.0, 0.4), "low_consistency");
    assert_eq!(names(1, 0.8, 0.8), "consistency_boost");
    assert_eq!(names(2, 0.7, 0.7), "hysteresis_hold");
    assert_eq!(names(3, 4.0, -1.0), "disagree,hysteresis_hold");
    assert_eq!(names(4, -2.0, -2.0), "flip");
    assert_eq!(names(5, 0.1, 0.1), "below_threshold");
}

#[test]
fn a_larger_score_never_weakens_the_state() {
    let strength =
        |signal: Signal| f64::from(signal.direction()) * if signal.is_strong() { 2.0 } else { 1.0 };
    let histories: [&[f64]; 5] = [&[], &[1.0], &[2.0], &[-1.0], &[-2.0]];
    for history in histories {
        let mut fusion = Fusion::default();
        for (at, z) in history.iter().enumerate() {
            fusion.step(&bin(at as i64, *z, *z));
        }
        let mut before = f64::NEG_INFINITY;
        for step in -50..=50 {
            let z = f64::from(step) / 10.0;
            let state = strength(fusion.clone().step(&bin(9_000, z, z)).signal);
            // Held states are left on the way to the other side; within a sign the order stands.
            if step == 1 {
                before = f64::NEG_INFINITY;
            }
            assert!(
                state >= before || step <= 0 && history.iter().any(|z| *z != 0.0),
                "{history:?} {z}"
            );
            before = before.max(state);
        }
    }
}

#[test]
fn thresholds_that_can_never_be_reached_are_refused() {
    let base = FusionConfig::default();
    for bad in [
        FusionConfig { enter_score: 4.01, ..base },
        FusionConfig { clip: 1.0, ..base },
        FusionConfig { w_ofi: -0.1, ..base },
        FusionConfig { cooldown_ms: -1, ..base },
    ] {
        assert!(bad.check().is_err(), "{bad:?}");
    }
    assert_eq!(base.check(), Ok(()));
}
