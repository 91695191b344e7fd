//! The settings of the feature engine and their bounds.

use crate::error::Error;
use crate::fusion::FusionConfig;
use crate::scan::Scale;

const DAY_MS: i64 = 86_400_000;

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
}

impl FlowConfig {
    /// Returns the defaults: bins of 1 s, window 300 s, warm-up 60 s, watermark 250 ms, 1,000 levels.
    pub fn new(scale: Scale) -> Self {
        Self {
            scale,
            bin_ms: 1_000,
            window_ms: 300_000,
            warmup_ms: 60_000,
            watermark_ms: 250,
            keep_levels: Some(1_000),
            fusion: FusionConfig::default(),
        }
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
        Ok(())
    }
}
