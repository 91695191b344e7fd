//! Chance from a seed: named streams, exponential and heavy-tailed draws.
//!
//! Only `+ - * /` and `sqrt` touch a float, all exact to the last bit under IEEE 754, so that a seed gives the same
//! numbers on every platform.

/// A deterministic generator, xoshiro256** seeded by splitmix64.
///
/// Source: Blackman & Vigna (2021), "Scrambled Linear Pseudorandom Number Generators",
/// ACM Transactions on Mathematical Software 47(4).
#[derive(Clone, Debug)]
pub struct Rng {
    state: [u64; 4],
}

impl Rng {
    /// Returns the stream `name` of `seed`: streams of one seed are independent of how much the others are used.
    pub fn named(seed: u64, name: &str) -> Self {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64; // FNV-1a
        for byte in name.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        let mut mixer = seed ^ hash.rotate_left(17);
        Self { state: std::array::from_fn(|_| splitmix64(&mut mixer)) }
    }

    /// Returns 64 uniform bits.
    pub fn next_u64(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= shifted;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// Returns a uniform number strictly between 0 and 1.
    pub fn uniform(&mut self) -> f64 {
        const UNIT: f64 = 1.0 / (1_u64 << 52) as f64;
        ((self.next_u64() >> 12) as f64 + 0.5) * UNIT
    }

    /// Returns an integer in `0..n` (0 where `n` is 0); the bias is below `n` / 2^64.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// Returns true with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.uniform() < p
    }

    /// Returns an exponential draw with the given mean, in the mean's unit.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * ln(self.uniform())
    }

    /// Returns a Pareto draw ≥ 1 whose tail is P(X > x) = x^(-4 / `quarters`).
    ///
    /// Quarter powers are products of square roots, so no `pow` is needed: 6 gives the exponent 2/3, 3 gives 4/3.
    pub fn pareto(&mut self, quarters: u32) -> f64 {
        let root = self.uniform().sqrt().sqrt();
        let mut power = 1.0;
        for _ in 0..quarters {
            power *= root;
        }
        1.0 / power
    }

    /// Returns a Poisson count: the arrivals of a unit-rate process before `mean`.
    pub fn poisson(&mut self, mean: f64) -> u32 {
        let mut count = 0;
        let mut elapsed = self.exponential(1.0);
        while elapsed < mean {
            count += 1;
            elapsed += self.exponential(1.0);
        }
        count
    }
}

fn splitmix64(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Returns the natural logarithm of a positive normal number, within 1e-14, the same bits everywhere.
///
/// x = m·2^e with m in [√½, √2), and ln m = 2·artanh((m - 1) / (m + 1)) by its series.
pub fn ln(x: f64) -> f64 {
    const MANTISSA: u64 = (1 << 52) - 1;
    const ONE: u64 = 1023 << 52;
    let bits = x.to_bits();
    let mut exponent = (bits >> 52) as i64 - 1023;
    let mut mantissa = f64::from_bits((bits & MANTISSA) | ONE);
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa *= 0.5;
        exponent += 1;
    }
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    let mut series = 0.0;
    for k in (0..=11_u32).rev() {
        series = series * square + 1.0 / f64::from(2 * k + 1);
    }
    exponent as f64 * std::f64::consts::LN_2 + 2.0 * s * series
}

/// Returns e^x within 1e-14 relative, the same bits everywhere; 0 below -700 and the value at 700 above it.
///
/// x = k·ln 2 + r with |r| ≤ ½·ln 2, and e^r by its series.
pub fn exp(x: f64) -> f64 {
    if x < -700.0 {
        return 0.0;
    }
    let x = x.min(700.0);
    let k = (x / std::f64::consts::LN_2).round();
    let r = x - k * std::f64::consts::LN_2;
    let series = (1..=16_u32).rev().fold(1.0, |sum, n| 1.0 + sum * r / f64::from(n));
    series * f64::from_bits(((1023 + k as i64) as u64) << 52)
}

/// Returns the standard normal quantile of a probability in (0, 1), within 1.2e-9 relative, the same bits everywhere.
///
/// Source: Acklam (2003), "An algorithm for computing the inverse normal cumulative distribution function".
pub fn normal_quantile(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969683028665376e1,
        2.209460984245205e2,
        -2.759285104469687e2,
        1.38357751867269e2,
        -3.066479806614716e1,
        2.506628277459239,
    ];
    const B: [f64; 6] = [
        -5.447609879822406e1,
        1.615858368580409e2,
        -1.556989798598866e2,
        6.680131188771972e1,
        -1.328068155288572e1,
        1.0,
    ];
    const C: [f64; 6] = [
        -7.784894002430293e-3,
        -3.223964580411365e-1,
        -2.400758277161838,
        -2.549732539343734,
        4.374664141464968,
        2.938163982698783,
    ];
    const D: [f64; 5] =
        [7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416, 1.0];
    const LOW: f64 = 0.02425;
    let poly = |terms: &[f64], x: f64| terms.iter().fold(0.0, |sum, term| sum * x + term);
    let tail = |p: f64| {
        let q = (-2.0 * ln(p)).sqrt();
        poly(&C, q) / poly(&D, q)
    };
    if p < LOW {
        tail(p)
    } else if p > 1.0 - LOW {
        -tail(1.0 - p)
    } else {
        let q = p - 0.5;
        q * poly(&A, q * q) / poly(&B, q * q)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: usize = 200_000;

    fn mean(mut draw: impl FnMut() -> f64) -> f64 {
        (0..DRAWS).map(|_| draw()).sum::<f64>() / DRAWS as f64
    }

    #[test]
    fn the_first_numbers_of_a_stream_are_pinned() {
        let mut rng = Rng { state: [1, 2, 3, 4] };
        let first: Vec<u64> = (0..4).map(|_| rng.next_u64()).collect();
        // The reference implementation's output for this state.
        assert_eq!(first, [11520, 0, 1_509_978_240, 1_215_971_899_390_074_240]);
    }

    #[test]
    fn streams_of_one_seed_differ_and_repeat() {
        let draw = |seed, name| Rng::named(seed, name).next_u64();
        assert_eq!(draw(1, "flow"), draw(1, "flow"));
        assert_ne!(draw(1, "flow"), draw(1, "feed"));
        assert_ne!(draw(1, "flow"), draw(2, "flow"));
    }

    #[test]
    fn ln_agrees_with_known_values() {
        let known = [
            (1.0, 0.0),
            (2.0, std::f64::consts::LN_2),
            (10.0, std::f64::consts::LN_10),
            (std::f64::consts::E, 1.0),
            (0.5, -std::f64::consts::LN_2),
            (1e-10, -10.0 * std::f64::consts::LN_10),
            (1.41, 0.343_589_704_390_077),
        ];
        for (x, expected) in known {
            assert!(
                (ln(x) - expected).abs() < 1e-14 * (1.0 + expected.abs()),
                "ln {x} = {}",
                ln(x)
            );
        }
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut rng = Rng::named(7, "moments");
        assert!((mean(|| rng.uniform()) - 0.5).abs() < 0.003);
        assert!((mean(|| rng.uniform().powi(2)) - 1.0 / 3.0).abs() < 0.003);
        assert!((mean(|| rng.exponential(2.0)) - 2.0).abs() < 0.03);
        assert!((mean(|| rng.exponential(1.0).powi(2)) - 2.0).abs() < 0.05);
        assert!((mean(|| f64::from(rng.poisson(0.6))) - 0.6).abs() < 0.01);
        assert!((mean(|| rng.below(10) as f64) - 4.5).abs() < 0.03);
    }

    #[test]
    fn the_pareto_tail_has_its_exponent() {
        let mut rng = Rng::named(7, "tail");
        let beyond = mean(|| f64::from(u8::from(rng.pareto(6) > 8.0)));
        assert!((beyond - 0.25).abs() < 0.005, "8^(-2/3) is a quarter, drew {beyond}");
        let beyond = mean(|| f64::from(u8::from(rng.pareto(3) > 8.0)));
        assert!((beyond - 0.0625).abs() < 0.003, "8^(-4/3) is a sixteenth, drew {beyond}");
    }

    #[test]
    fn exp_and_the_normal_quantile_are_what_they_say() {
        for x in [-30.0, -1.5, -1e-9, 0.0, 0.3, 1.0, 12.25, 300.0] {
            assert!((exp(x) / f64::exp(x) - 1.0).abs() < 1e-12, "{x}");
        }
        assert!(normal_quantile(0.5).abs() < 1e-12);
        assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-8);
        assert!((normal_quantile(0.001) + 3.090_232_306_167_813).abs() < 1e-8);
    }
}
