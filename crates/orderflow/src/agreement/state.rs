//! Saving and loading of what waits to be compared.

use super::{Agreement, Quote, Waiting};
use crate::state::state_of;

state_of!(Quote { update_id, bid, ask });
state_of!(Waiting { final_id, event_ms, bid, ask });
state_of!(Agreement { quotes, waiting, checks, matches });
