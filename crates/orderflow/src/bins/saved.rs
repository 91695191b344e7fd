//! The engine's state as bytes: a restart from them equals an unbroken run.

use super::{Agreement, BookSync, Closer, Error, Extras, FlowConfig, FlowEngine, FlowStats};
use crate::state::{Reader, State, Writer};

/// First bytes of a saved state; the number rises when the layout changes.
const MAGIC: [u8; 8] = *b"cfflow01";
/// A bin number beyond this is a time no venue has.
const MAX_INDEX: i64 = i64::MAX >> 22;

/// Hashes bytes (FNV-1a, 64 bits): against accidents, not against forgers.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn settings_hash(config: &FlowConfig) -> u64 {
    checksum(format!("{config:?}").as_bytes())
}

impl FlowEngine {
    /// Returns everything the engine remembers; rows of extra columns not taken yet are not in it.
    pub fn save(&self) -> Vec<u8> {
        let mut out: Writer = MAGIC.to_vec();
        settings_hash(&self.config).save(&mut out);
        self.first_open.save(&mut out);
        self.open.save(&mut out);
        (self.last_active, self.any_closed).save(&mut out);
        (self.clock_ms, self.public_ms, self.market_ms, self.next_close_ms).save(&mut out);
        (self.quote_id, self.trade_id, self.diff_id).save(&mut out);
        self.before.save(&mut out);
        self.closer.save(&mut out);
        self.sync.save(&mut out);
        self.agreement.save(&mut out);
        self.bad.save(&mut out);
        (self.clear_after_ms, self.lost_ms, self.has_depth).save(&mut out);
        if let Some(extras) = &self.extras {
            extras.save(&mut out);
        }
        self.stats.save(&mut out);
        checksum(&out).save(&mut out);
        out
    }

    /// Returns an engine as it was saved under the same settings.
    ///
    /// # Errors
    /// A setting outside its bounds; bytes that are cut, altered, or of other settings.
    pub fn restore(config: FlowConfig, bytes: &[u8]) -> Result<Self, Error> {
        let fail = |what: &str| Err(Error::Setting(what.to_owned()));
        let mut engine = Self::new(config)?;
        let Some((body, sum)) = bytes.split_last_chunk::<8>() else {
            return fail("the saved state is shorter than its checksum");
        };
        if body.get(..8) != Some(&MAGIC[..]) {
            return fail("the saved state does not begin as one of this version");
        }
        if checksum(body) != u64::from_le_bytes(*sum) {
            return fail("the saved state was altered: its checksum differs");
        }
        let mut from = Reader::new(body.get(8..).unwrap_or_default());
        if u64::load(&mut from)? != settings_hash(&config) {
            return fail("the state was saved under other settings");
        }
        engine.first_open = State::load(&mut from)?;
        engine.open = State::load(&mut from)?;
        (engine.last_active, engine.any_closed) = State::load(&mut from)?;
        (engine.clock_ms, engine.public_ms, engine.market_ms, engine.next_close_ms) =
            State::load(&mut from)?;
        (engine.quote_id, engine.trade_id, engine.diff_id) = State::load(&mut from)?;
        engine.before = State::load(&mut from)?;
        engine.closer = Closer::load(&config, &mut from)?;
        engine.sync = BookSync::load(&mut from)?;
        engine.agreement = Agreement::load(&mut from)?;
        engine.bad = State::load(&mut from)?;
        (engine.clear_after_ms, engine.lost_ms, engine.has_depth) = State::load(&mut from)?;
        if engine.extras.is_some() {
            engine.extras = Some(Box::new(Extras::load(&config, &mut from)?));
        }
        engine.stats = FlowStats::load(&mut from)?;
        from.end()?;
        let bound = MAX_INDEX / config.bin_ms;
        if engine.first_open.is_some_and(|first| first.abs() > bound) {
            return fail("the saved state's first bin is beyond all times");
        }
        let open = engine.open.len() as i64;
        if engine.first_open.is_some_and(|first| engine.last_active.saturating_sub(first) >= open) {
            return fail("the saved state names more open bins than it holds");
        }
        Ok(engine)
    }
}
