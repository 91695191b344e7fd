//! An engine that keeps its bars, so that it can be written down and made again.
//!
//! What an engine knows follows from its bars and its parameters alone, so a snapshot is these. Making it again reads
//! the bars once more; nothing has to be kept in step with the inside of the engine.

use crate::bar::Bar;
use crate::engine::Engine;
use crate::error::ChanError;
use crate::event::Event;
use crate::params::Params;

const MAGIC: &[u8; 8] = b"chanbar1";
/// Bytes of a bar: the time and six numbers, and the time by the market's clock where one was given.
const BAR: usize = 64;
/// What the byte after the magic says.
const HISTORY: u8 = 1;
const MARKET: u8 = 2;

/// An engine and the bars it has read: 56 bytes a bar more than an [`Engine`], 64 with the time of the market's clock.
#[derive(Debug, Clone)]
pub struct Recording {
    preset: String,
    settings: Vec<(String, String)>,
    history: bool,
    bars: Vec<Bar>,
    /// The time of each bar by the market's clock, once one was given.
    market_ms: Option<Vec<i64>>,
    engine: Engine,
}

impl Recording {
    /// Returns an engine of a preset and single parameters set on top, which has read no bar.
    ///
    /// # Errors
    /// An unknown preset or parameter, or a value it does not take.
    pub fn new(
        preset: &str,
        settings: Vec<(String, String)>,
        history: bool,
    ) -> Result<Self, ChanError> {
        let params = Params::with(preset, &settings)?;
        let engine = if history { Engine::with_history(params) } else { Engine::new(params) };
        let (preset, bars) = (preset.to_owned(), Vec::new());
        Ok(Self { preset, settings, history, bars, market_ms: None, engine })
    }

    /// Reads a bar, as [`Engine::push`].
    ///
    /// # Errors
    /// As [`Engine::push`].
    pub fn push(&mut self, bar: Bar) -> Result<&[Event], ChanError> {
        self.push_at(bar, None)
    }

    /// Reads a bar, as [`Engine::push_at`]; without `market_ms` as [`Engine::push`].
    ///
    /// # Errors
    /// As [`Engine::push_at`].
    pub fn push_at(&mut self, bar: Bar, market_ms: Option<i64>) -> Result<&[Event], ChanError> {
        let at_ms = market_ms.unwrap_or(bar.ts_ms);
        let events = self.engine.push_at(bar, at_ms)?;
        if market_ms.is_some() && self.market_ms.is_none() {
            self.market_ms = Some(self.bars.iter().map(|bar| bar.ts_ms).collect());
        }
        self.bars.push(bar);
        self.market_ms.iter_mut().for_each(|times| times.push(at_ms));
        Ok(events)
    }

    /// Reads a correction of the last bar, as [`Engine::replace`].
    ///
    /// # Errors
    /// As [`Engine::replace`].
    pub fn replace(&mut self, bar: Bar) -> Result<&[Event], ChanError> {
        self.replace_at(bar, None)
    }

    /// Reads a correction of the last bar, as [`Engine::replace_at`]; without `market_ms` as [`Engine::replace`].
    ///
    /// # Errors
    /// As [`Engine::replace_at`].
    pub fn replace_at(&mut self, bar: Bar, market_ms: Option<i64>) -> Result<&[Event], ChanError> {
        let at_ms = market_ms.unwrap_or(bar.ts_ms);
        let events = self.engine.replace_at(bar, at_ms)?;
        if market_ms.is_some() && self.market_ms.is_none() {
            self.market_ms = Some(self.bars.iter().map(|bar| bar.ts_ms).collect());
        }
        if let Some(last) = self.bars.last_mut() {
            *last = bar;
        }
        if let Some(last) = self.market_ms.as_mut().and_then(|times| times.last_mut()) {
            *last = at_ms;
        }
        Ok(events)
    }

    /// Returns the engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whether what was withdrawn is kept: see [`Engine::with_history`].
    #[must_use]
    pub fn has_history(&self) -> bool {
        self.history
    }

    /// Returns the preset, the parameters and the bars as bytes. They are the same on every platform.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.bars.len() * BAR + 256);
        bytes.extend_from_slice(MAGIC);
        let market = if self.market_ms.is_some() { MARKET } else { 0 };
        bytes.push(if self.history { HISTORY | market } else { market });
        put_text(&mut bytes, &self.preset);
        put_count(&mut bytes, self.settings.len());
        for (key, value) in &self.settings {
            put_text(&mut bytes, key);
            put_text(&mut bytes, value);
        }
        put_count(&mut bytes, self.bars.len());
        let mut times = self.market_ms.iter().flatten();
        for bar in &self.bars {
            bytes.extend_from_slice(&bar.ts_ms.to_le_bytes());
            let Bar { open, high, low, close, volume, amount, .. } = *bar;
            for number in [open, high, low, close, volume, amount] {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
            if let Some(time) = times.next() {
                bytes.extend_from_slice(&time.to_le_bytes());
            }
        }
        bytes
    }

    /// Returns the engine a snapshot was taken of: it shows the same and goes on like it. Every bar is read again.
    ///
    /// # Errors
    /// [`ChanError::BadSnapshot`], and whatever [`new`](Self::new) and [`push`](Self::push) refuse.
    pub fn restore(bytes: &[u8]) -> Result<Self, ChanError> {
        let mut reader = Reader { bytes, at: 0 };
        if reader.take(MAGIC.len())? != MAGIC {
            return Err(ChanError::BadSnapshot { at: 0 });
        }
        let flags = reader.take(1)?.first().copied().unwrap_or_default();
        if flags > HISTORY | MARKET {
            return Err(ChanError::BadSnapshot { at: MAGIC.len() });
        }
        let (history, has_market) = (flags & HISTORY != 0, flags & MARKET != 0);
        let preset = reader.text()?;
        let mut settings = Vec::new();
        for _ in 0..reader.count()? {
            settings.push((reader.text()?, reader.text()?));
        }
        let mut restored = Self::new(&preset, settings, history)?;
        for _ in 0..reader.count()? {
            let ts_ms = i64::from_le_bytes(reader.eight()?);
            let mut numbers = [0.0; 6];
            for number in &mut numbers {
                *number = f64::from_le_bytes(reader.eight()?);
            }
            let [open, high, low, close, volume, amount] = numbers;
            let market_ms =
                if has_market { Some(i64::from_le_bytes(reader.eight()?)) } else { None };
            restored.push_at(Bar { ts_ms, open, high, low, close, volume, amount }, market_ms)?;
        }
        if reader.at == bytes.len() { Ok(restored) } else { Err(reader.bad()) }
    }
}

fn put_count(bytes: &mut Vec<u8>, count: usize) {
    bytes.extend_from_slice(&(count as u64).to_le_bytes());
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_count(bytes, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn bad(&self) -> ChanError {
        ChanError::BadSnapshot { at: self.at }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], ChanError> {
        let end = self.at.checked_add(count).ok_or_else(|| self.bad())?;
        let taken = self.bytes.get(self.at..end).ok_or_else(|| self.bad())?;
        self.at = end;
        Ok(taken)
    }

    fn eight(&mut self) -> Result<[u8; 8], ChanError> {
        let taken = self.take(8)?;
        taken.try_into().map_err(|_| self.bad())
    }

    fn count(&mut self) -> Result<usize, ChanError> {
        let count = u64::from_le_bytes(self.eight()?);
        usize::try_from(count).map_err(|_| self.bad())
    }

    fn text(&mut self) -> Result<String, ChanError> {
        let count = self.count()?;
        let taken = self.take(count)?;
        String::from_utf8(taken.to_vec()).map_err(|_| self.bad())
    }
}
