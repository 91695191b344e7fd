//! Saving and loading of the state machine.

use super::{BookSync, BufferCaps, Gap, Kept, Snapshot, SyncState};
use crate::error::Error;
use crate::state::{Reader, State, Writer, refused, state_of};

state_of!(Gap { from_u, to_u, from_ms, to_ms });
state_of!(BufferCaps { events, span_ms });
state_of!(Kept { first_id, final_id, prev_final_id, event_ms, bids, asks });
state_of!(Snapshot { last_id, bids, asks });
state_of!(BookSync {
    book,
    state,
    keep_levels,
    caps,
    buffer,
    snapshot,
    last_id,
    last_ms,
    applied,
    dropped,
    repeated,
});

impl State for SyncState {
    fn save(&self, out: &mut Writer) {
        (*self as u8).save(out);
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Error> {
        match u8::load(from)? {
            0 => Ok(Self::Buffering),
            1 => Ok(Self::SnapshotWait),
            2 => Ok(Self::Synced),
            other => Err(refused("a book state of", other)),
        }
    }
}
