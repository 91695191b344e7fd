//! OFI and trade flow joined to one score with hysteresis: a pure function of what it held before and one bin.
//!
//! What it says is contemporaneous: it describes the bin's own move and predicts almost nothing of the next.

use crate::error::Error;
use crate::state::{Reader, State, Writer, refused as bad_state};

/// What a bin says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Signal {
    /// SHORT_STRONG.
    StrongSell,
    /// SHORT.
    Sell,
    /// FLAT.
    #[default]
    Neutral,
    /// LONG.
    Buy,
    /// LONG_STRONG.
    StrongBuy,
}

impl Signal {
    /// Returns the name in rows and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::StrongSell => "strong_sell",
            Self::Sell => "sell",
            Self::Neutral => "neutral",
            Self::Buy => "buy",
            Self::StrongBuy => "strong_buy",
        }
    }

    /// Returns 1 for the long states, -1 for the short ones, 0 for FLAT.
    pub fn direction(self) -> i32 {
        match self {
            Self::StrongSell | Self::Sell => -1,
            Self::Neutral => 0,
            Self::Buy | Self::StrongBuy => 1,
        }
    }

    fn is_strong(self) -> bool {
        matches!(self, Self::StrongSell | Self::StrongBuy)
    }

    fn of(direction: i32, strong: bool) -> Self {
        match (direction, strong) {
            (1, false) => Self::Buy,
            (1, true) => Self::StrongBuy,
            (-1, false) => Self::Sell,
            (-1, true) => Self::StrongSell,
            _ => Self::Neutral,
        }
    }
}

/// Why a bin says what it says: a set of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Reasons(u16);

impl Reasons {
    /// Too few usable bins before this one.
    pub const WARMUP: Self = Self(1);
    /// The book was not the venue's in this bin.
    pub const BOOK_NOT_OK: Self = Self(1 << 1);
    /// The last quote is too old.
    pub const STALE_OFI: Self = Self(1 << 2);
    /// The last trade is too old.
    pub const STALE_CVD: Self = Self(1 << 3);
    /// The spread is above its cap.
    pub const WIDE_SPREAD: Self = Self(1 << 4);
    /// The two legs point in different directions.
    pub const DISAGREE: Self = Self(1 << 5);
    /// One leg is too weak beside the other.
    pub const LOW_CONSISTENCY: Self = Self(1 << 6);
    /// The score is too small.
    pub const BELOW_THRESHOLD: Self = Self(1 << 7);
    /// The state is held though it would not be entered.
    pub const HYSTERESIS_HOLD: Self = Self(1 << 8);
    /// Entered below the threshold because the legs agree closely.
    pub const CONSISTENCY_BOOST: Self = Self(1 << 9);
    /// Turned to the other direction at once.
    pub const FLIP: Self = Self(1 << 10);
    /// An entry refused so soon after the last.
    pub const COOLDOWN: Self = Self(1 << 11);

    const NAMES: [&'static str; 12] = [
        "warmup",
        "book_not_ok",
        "stale_ofi",
        "stale_cvd",
        "wide_spread",
        "disagree",
        "low_consistency",
        "below_threshold",
        "hysteresis_hold",
        "consistency_boost",
        "flip",
        "cooldown",
    ];

    /// Adds another set.
    pub fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Returns whether all of `other` are in the set.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the names in their fixed order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        (0..12).filter(move |bit| self.0 >> bit & 1 == 1).map(|bit| Self::NAMES[bit])
    }
}

/// Thresholds, in units of z unless the name says otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FusionConfig {
    /// Weight of z_ofi.
    pub w_ofi: f64,
    /// Weight of z_cvd.
    pub w_cvd: f64,
    /// Each z counts at most this much.
    pub clip: f64,
    /// Least score of a strong state.
    pub strong_score: f64,
    /// Least consistency of a strong state.
    pub strong_consistency: f64,
    /// Least score to enter.
    pub enter_score: f64,
    /// Least consistency to enter.
    pub enter_consistency: f64,
    /// Least score to enter when the legs agree closely.
    pub boost_score: f64,
    /// Least consistency of that.
    pub boost_consistency: f64,
    /// Below this score a state ends.
    pub exit_score: f64,
    /// A flip needs `enter_score` times this.
    pub flip_factor: f64,
    /// Greatest age of each leg's last event at the bin's end.
    pub max_lag_ms: i64,
    /// Greatest spread.
    pub max_spread_bps: f64,
    /// No entry for this long after an entry; only bins shorter than a second ask.
    pub cooldown_ms: i64,
    /// Bins in a row that must ask for an entry; only bins shorter than a second ask.
    pub min_consecutive: u32,
}

impl Default for FusionConfig {
    fn default() -> Self {
        Self {
            w_ofi: 0.6,
            w_cvd: 0.4,
            clip: 4.0,
            strong_score: 1.70,
            strong_consistency: 0.45,
            enter_score: 0.95,
            enter_consistency: 0.12,
            boost_score: 0.76,
            boost_consistency: 0.70,
            exit_score: 0.60,
            flip_factor: 1.05,
            max_lag_ms: 3_000,
            max_spread_bps: 20.0,
            cooldown_ms: 300,
            min_consecutive: 1,
        }
    }
}

impl FusionConfig {
    pub(crate) fn check(&self) -> Result<(), Error> {
        let numbers = [
            ("w_ofi", self.w_ofi),
            ("w_cvd", self.w_cvd),
            ("clip", self.clip),
            ("strong_score", self.strong_score),
            ("strong_consistency", self.strong_consistency),
            ("enter_score", self.enter_score),
            ("enter_consistency", self.enter_consistency),
            ("boost_score", self.boost_score),
            ("boost_consistency", self.boost_consistency),
            ("exit_score", self.exit_score),
            ("flip_factor", self.flip_factor),
            ("max_spread_bps", self.max_spread_bps),
        ];
        for (name, value) in numbers {
            if !(0.0..=1e6).contains(&value) {
                return Err(Error::Setting(format!("{name} {value} is not 0 to 1,000,000")));
            }
        }
        for (name, value) in [("max_lag_ms", self.max_lag_ms), ("cooldown_ms", self.cooldown_ms)] {
            if !(0..=86_400_000).contains(&value) {
                return Err(Error::Setting(format!("{name} {value} is not 0 to a day")));
            }
        }
        // A threshold that can never be reached would look like a quiet market.
        let most = self.clip * (self.w_ofi + self.w_cvd);
        for (name, value) in [
            ("enter_score", self.enter_score),
            ("strong_score", self.strong_score),
            ("exit_score", self.exit_score),
        ] {
            if value > most {
                return Err(Error::Setting(format!(
                    "{name} {value} can never be reached: the weights and the clip allow {most}"
                )));
            }
        }
        Ok(())
    }
}

/// One bin, as fusion sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FusionInput {
    /// Bin end, Unix ms.
    pub ts_ms: i64,
    /// Bin width.
    pub bin_ms: i64,
    /// Robust z of OFI.
    pub z_ofi: Option<f64>,
    /// Robust z of the trade flow.
    pub z_cvd: Option<f64>,
    /// Whether the book was the venue's; `None` without a depth stream.
    pub book_ok: Option<bool>,
    /// Age of the last quote at the bin's end.
    pub ofi_age_ms: Option<i64>,
    /// Age of the last trade at the bin's end.
    pub cvd_age_ms: Option<i64>,
    /// Spread of the last quote.
    pub spread_bps: Option<f64>,
}

/// What fusion makes of a bin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FusionOutput {
    /// w_ofi · z_ofi + w_cvd · z_cvd, each z clipped; `None` where the bin is not eligible.
    pub score: Option<f64>,
    /// Smaller over larger |z| where the signs agree, else 0; `None` without both z.
    pub consistency: Option<f64>,
    /// The state after the bin.
    pub signal: Signal,
    /// Why.
    pub reasons: Reasons,
}

/// The state that one bin hands to the next.
#[derive(Clone, Debug, Default)]
pub struct Fusion {
    config: FusionConfig,
    signal: Signal,
    entered_ms: Option<i64>,
    /// Bins in a row that asked for an entry, signed by direction.
    asked: i64,
}

impl Fusion {
    /// Returns fusion in state FLAT.
    pub fn new(config: FusionConfig) -> Self {
        Self { config, ..Self::default() }
    }

    /// Appends what one bin hands to the next.
    pub(crate) fn save(&self, out: &mut Writer) {
        (self.signal as u8).save(out);
        (self.entered_ms, self.asked).save(out);
    }

    /// Returns fusion as it was saved.
    pub(crate) fn load(config: FusionConfig, from: &mut Reader<'_>) -> Result<Self, Error> {
        let signal = match u8::load(from)? {
            0 => Signal::StrongSell,
            1 => Signal::Sell,
            2 => Signal::Neutral,
            3 => Signal::Buy,
            4 => Signal::StrongBuy,
            other => return Err(bad_state("a signal of", other)),
        };
        let (entered_ms, asked) = State::load(from)?;
        Ok(Self { config, signal, entered_ms, asked })
    }

    /// Takes the next bin. A bin that is not eligible is FLAT at once.
    pub fn step(&mut self, input: &FusionInput) -> FusionOutput {
        let consistency = input.z_ofi.zip(input.z_cvd).map(|(ofi, cvd)| consistency(ofi, cvd));
        let mut reasons = self.obstacles(input);
        let (Some(z_ofi), Some(z_cvd), Some(agreed), true) =
            (input.z_ofi, input.z_cvd, consistency, reasons.is_empty())
        else {
            self.signal = Signal::Neutral;
            self.asked = 0;
            return FusionOutput { score: None, consistency, signal: self.signal, reasons };
        };
        let config = &self.config;
        let clip = |z: f64| z.clamp(-config.clip, config.clip);
        let score = config.w_ofi * clip(z_ofi) + config.w_cvd * clip(z_cvd);
        if agreed == 0.0 {
            reasons.add(Reasons::DISAGREE);
        }
        self.signal = self.next(score, agreed, input, &mut reasons);
        FusionOutput { score: Some(score), consistency, signal: self.signal, reasons }
    }

    fn obstacles(&self, input: &FusionInput) -> Reasons {
        let mut reasons = Reasons::default();
        if input.book_ok == Some(false) {
            reasons.add(Reasons::BOOK_NOT_OK);
        } else if input.z_ofi.is_none() || input.z_cvd.is_none() {
            reasons.add(Reasons::WARMUP);
        }
        let stale = |age: Option<i64>| age.is_none_or(|age| age > self.config.max_lag_ms);
        if stale(input.ofi_age_ms) {
            reasons.add(Reasons::STALE_OFI);
        }
        if stale(input.cvd_age_ms) {
            reasons.add(Reasons::STALE_CVD);
        }
        if input.spread_bps.is_some_and(|spread| spread > self.config.max_spread_bps) {
            reasons.add(Reasons::WIDE_SPREAD);
        }
        reasons
    }

    fn next(
        &mut self,
        score: f64,
        agreed: f64,
        input: &FusionInput,
        reasons: &mut Reasons,
    ) -> Signal {
        let config = self.config;
        let size = score.abs();
        let direction = if score > 0.0 { 1 } else { -i32::from(score < 0.0) };
        let strong = size >= config.strong_score && agreed >= config.strong_consistency;
        let plain = size >= config.enter_score && agreed >= config.enter_consistency;
        let boosted = size >= config.boost_score && agreed >= config.boost_consistency;
        let wanted = Signal::of(direction, strong);
        let held = self.signal;
        if held.direction() == direction && direction != 0 {
            if !strong && size < config.exit_score {
                reasons.add(Reasons::BELOW_THRESHOLD);
                return Signal::Neutral;
            }
            let stays_strong = held.is_strong() && size >= config.enter_score;
            if !strong && (stays_strong || !(plain || boosted)) {
                reasons.add(Reasons::HYSTERESIS_HOLD);
            }
            return if stays_strong { held } else { wanted };
        }
        if held != Signal::Neutral {
            self.asked = 0;
            let flips = size >= config.enter_score * config.flip_factor
                && agreed >= config.enter_consistency;
            if flips {
                reasons.add(Reasons::FLIP);
                self.entered_ms = Some(input.ts_ms);
                return wanted;
            }
            refused(size, agreed, &config, reasons);
            return Signal::Neutral;
        }
        if !(strong || plain || boosted) {
            self.asked = 0;
            refused(size, agreed, &config, reasons);
            return Signal::Neutral;
        }
        if input.bin_ms < 1_000 && !self.may_enter(direction, input.ts_ms) {
            reasons.add(Reasons::COOLDOWN);
            return Signal::Neutral;
        }
        if !(strong || plain) {
            reasons.add(Reasons::CONSISTENCY_BOOST);
        }
        self.entered_ms = Some(input.ts_ms);
        wanted
    }

    /// Counts a bin that asks for an entry and returns whether it may have it.
    fn may_enter(&mut self, direction: i32, ts_ms: i64) -> bool {
        let step = i64::from(direction);
        self.asked =
            if self.asked.signum() == step { self.asked.saturating_add(step) } else { step };
        let cool =
            self.entered_ms.is_none_or(|at| ts_ms.saturating_sub(at) >= self.config.cooldown_ms);
        cool && self.asked.unsigned_abs() >= u64::from(self.config.min_consecutive)
    }
}

fn refused(size: f64, agreed: f64, config: &FusionConfig, reasons: &mut Reasons) {
    if size < config.enter_score {
        reasons.add(Reasons::BELOW_THRESHOLD);
    } else if agreed > 0.0 && agreed < config.enter_consistency {
        reasons.add(Reasons::LOW_CONSISTENCY);
    } else if agreed > 0.0 {
        // Strong enough to enter, not to flip.
        reasons.add(Reasons::BELOW_THRESHOLD);
    }
}

fn consistency(z_ofi: f64, z_cvd: f64) -> f64 {
    let (a, b) = (z_ofi.abs(), z_cvd.abs());
    let same = (z_ofi > 0.0 && z_cvd > 0.0) || (z_ofi < 0.0 && z_cvd < 0.0);
    if same { a.min(b) / a.max(b) } else { 0.0 }
}

#[cfg(test)]
mod tests;
