//! The settings of the feature engine and their bounds.

use crate::error::Error;
use crate::fusion::FusionConfig;
use crate::mlofi::MAX_LEVELS;
use crate::scan::Scale;

const DAY_MS: i64 = 86_400_000;

/// Where the best quotes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OfiSource {
    /// The venue's stream of best quotes, every change.
    #[default]
    BookTicker,
    /// The book after each diff, where there is no such stream.
    Depth,
    /// Best quotes once a block (Hyperliquid).
    Bbo,
}

impl OfiSource {
    /// Returns the name in rows and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::BookTicker => "book_ticker",
            Self::Depth => "depth",
            Self::Bbo => "bbo",
        }
    }
}

/// How a bin is scored against its past.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ZKind {
    /// Median and spread of a trailing window.
    #[default]
    Robust,
    /// Exponentially weighted mean and variance.
    Ew,
}

/// What an engine is made with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FlowConfig {
    /// Decimals of the batches that will come.
    pub scale: Scale,
    /// Bin width; divides a day.
    pub bin_ms: i64,
    /// Trailing window of z.
    pub window_ms: i64,
    /// Usable bins, as time, before z answers.
    pub warmup_ms: i64,
    /// How far past a bin's end an event must be seen to close it.
    pub watermark_ms: i64,
    /// Levels kept on each side of the book; all without it.
    pub keep_levels: Option<usize>,
    /// Thresholds of the signal.
    pub fusion: FusionConfig,
    /// How z is taken.
    pub z: ZKind,
    /// Half-life of the weights of [`ZKind::Ew`].
    pub half_life_ms: i64,
    /// Where the best quotes come from.
    pub ofi_source: OfiSource,
    /// Sockets that must pass a bin's end to close it: 1, or 2 where quotes and trades come apart.
    pub sockets: u8,
    /// How far past a bin's end one socket closes it alone.
    pub late_after_ms: i64,
    /// Whether the columns beyond the fixed ones are computed.
    pub all_columns: bool,
    /// Levels of the multi-level OFI.
    pub levels: usize,
    /// Weights of the levels in the weighted OFI; negative ones count as 0.
    pub level_weights: [f64; MAX_LEVELS],
    /// Trailing window of the rolling CVD.
    pub cvd_window_ms: i64,
    /// Bins on either side of a pivot.
    pub pivot_bins: usize,
    /// Price tick in 10^-p; learnt from the quotes without it.
    pub tick: Option<i64>,
    /// Lots in a bucket of VPIN; a tenth of the first minute's volume without it.
    pub vpin_bucket: Option<i64>,
}

impl FlowConfig {
    /// Returns the defaults: bins of 1 s, window 300 s, warm-up 60 s, watermark 250 ms, 1,000 levels, the fixed columns.
    pub fn new(scale: Scale) -> Self {
        let mut level_weights = [0.0; MAX_LEVELS];
        for (slot, weight) in level_weights.iter_mut().zip([0.4, 0.25, 0.2, 0.1, 0.05]) {
            *slot = weight;
        }
        Self {
            scale,
            bin_ms: 1_000,
            window_ms: 300_000,
            warmup_ms: 60_000,
            watermark_ms: 250,
            keep_levels: Some(1_000),
            fusion: FusionConfig::default(),
            z: ZKind::Robust,
            half_life_ms: 300_000,
            ofi_source: OfiSource::BookTicker,
            sockets: 1,
            late_after_ms: 1_000,
            all_columns: false,
            levels: 5,
            level_weights,
            cvd_window_ms: 300_000,
            pivot_bins: 12,
            tick: None,
            vpin_bucket: None,
        }
    }

    /// Returns how many bins a span of time holds, at least one.
    pub(crate) fn bins_in(&self, span_ms: i64) -> usize {
        (span_ms / self.bin_ms).max(1) as usize
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let fail = |what: String| Err(Error::Setting(what));
        if self.bin_ms <= 0 || DAY_MS % self.bin_ms != 0 {
            return fail(format!("bin_ms {} does not divide a day", self.bin_ms));
        }
        if self.window_ms < self.bin_ms || self.window_ms / self.bin_ms > 1_000_000 {
            return fail(format!("window_ms {} is not 1 to 1,000,000 bins", self.window_ms));
        }
        if self.warmup_ms < 0 || self.warmup_ms > self.window_ms {
            return fail(format!("warmup_ms {} is not 0 to {}", self.warmup_ms, self.window_ms));
        }
        if !(0..=DAY_MS).contains(&self.watermark_ms) {
            return fail(format!("watermark_ms {} is not 0 to a day", self.watermark_ms));
        }
        let Scale { price_decimals, qty_decimals } = self.scale;
        if price_decimals > 12 || qty_decimals > 12 {
            return fail(format!("decimals {price_decimals} and {qty_decimals} are not 0 to 12"));
        }
        if !(1..=30 * DAY_MS).contains(&self.half_life_ms) {
            return fail(format!("half_life_ms {} is not 1 to 30 days", self.half_life_ms));
        }
        if !(1..=2).contains(&self.sockets) {
            return fail(format!("sockets {} is not 1 or 2", self.sockets));
        }
        if !(self.watermark_ms..=DAY_MS).contains(&self.late_after_ms) {
            let least = self.watermark_ms;
            return fail(format!("late_after_ms {} is not {least} to a day", self.late_after_ms));
        }
        self.check_columns().and_then(|()| self.fusion.check())
    }

    fn check_columns(&self) -> Result<(), Error> {
        let fail = |what: String| Err(Error::Setting(what));
        if self.levels > MAX_LEVELS {
            return fail(format!("levels {} is not 0 to {MAX_LEVELS}", self.levels));
        }
        if let Some(weight) = self.level_weights.iter().find(|weight| !weight.is_finite()) {
            return fail(format!("a level weight of {weight} is not finite"));
        }
        if self.cvd_window_ms < self.bin_ms || self.cvd_window_ms / self.bin_ms > 1_000_000 {
            return fail(format!(
                "cvd_window_ms {} is not 1 to 1,000,000 bins",
                self.cvd_window_ms
            ));
        }
        if !(1..=48).contains(&self.pivot_bins) {
            return fail(format!("pivot_bins {} is not 1 to 48", self.pivot_bins));
        }
        for (name, value) in [("tick", self.tick), ("vpin_bucket", self.vpin_bucket)] {
            if value.is_some_and(|value| value <= 0) {
                return fail(format!("{name} {} is not above 0", value.unwrap_or(0)));
            }
        }
        Ok(())
    }
}
