//! One stream of one symbol, as several sockets deliver it: every frame once, in order.
//!
//! At 23 h a second connection opens beside the first, and both carry every stream for a while. One socket leads a stream; what
//! another brings is a repeat, or it is ahead and waits until the leader has it too. When the leader closes, or says nothing for a
//! quarter of a second while another is ahead, the other leads: nothing is lost and nothing comes twice. A leader that is late but
//! speaks keeps the lead, since what the other has may begin only after a hole.

use std::collections::VecDeque;

/// How long a frame may wait for the leading socket.
const MAX_WAIT_NS: i64 = 250_000_000;
/// Most frames that wait.
const MAX_WAITING: usize = 4_096;
/// Holes in the ids that may still be filled.
const MAX_HOLES: usize = 64;

/// A frame that is ahead of the leading socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub key: i64,
    pub known_ns: i64,
    pub socket: u32,
    /// The whole line.
    pub line: Vec<u8>,
}

/// What to do with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is new and in order.
    Take,
    /// It was there before.
    Repeat,
    /// It is ahead of the leading socket.
    Wait,
}

/// The order of one stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lane {
    lead: Option<u32>,
    last: Option<(i64, i64)>,
    /// When the leader last brought something new, ns.
    heard_ns: i64,
    waiting: VecDeque<Waiting>,
    /// Ids that never came, [from, to], oldest first.
    holes: VecDeque<(i64, i64)>,
}

impl Lane {
    /// Returns the key of the newest frame.
    pub fn last_key(&self) -> Option<i64> {
        self.last.map(|(key, _)| key)
    }

    /// Returns the venue time of the newest frame, Unix ms.
    pub fn last_ms(&self) -> Option<i64> {
        self.last.map(|(_, ms)| ms)
    }

    /// Judges a frame by its key and its venue's time (`E`, 0 where absent); `now_ns` is the highest receive time so far.
    pub fn judge(&mut self, key: i64, emitted_ms: i64, socket: u32, now_ns: i64) -> Verdict {
        let lead = *self.lead.get_or_insert(socket);
        if socket == lead {
            self.heard_ns = now_ns;
        }
        let Some((last, last_ms)) = self.last else {
            self.last = Some((key, emitted_ms));
            return Verdict::Take;
        };
        if key > last {
            if socket != lead {
                return Verdict::Wait;
            }
        } else if key == last || emitted_ms <= last_ms || socket != lead {
            return Verdict::Repeat;
        }
        // A lower key sent later is no repeat: the venue has begun to count anew.
        self.last = Some((key, emitted_ms));
        while self.waiting.front().is_some_and(|frame| frame.key <= key) {
            self.waiting.pop_front();
        }
        Verdict::Take
    }

    /// Returns how many frames wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Remembers that the ids from `from` to `to` did not come: they may be asked for again.
    pub fn open_hole(&mut self, from: i64, to: i64) {
        if from > to {
            return;
        }
        if self.holes.len() == MAX_HOLES {
            self.holes.pop_front();
        }
        self.holes.push_back((from, to));
    }

    /// Returns whether an id fills a hole, and closes its place.
    pub fn fill(&mut self, key: i64) -> bool {
        let Some(at) = self.holes.iter().position(|(from, to)| (*from..=*to).contains(&key)) else {
            return false;
        };
        if let Some((from, to)) = self.holes.remove(at) {
            for (from, to) in [(from, key.saturating_sub(1)), (key.saturating_add(1), to)] {
                self.open_hole(from, to);
            }
        }
        true
    }

    /// Keeps a frame that was told to wait.
    pub fn wait(&mut self, frame: Waiting) {
        let at = self.waiting.partition_point(|other| other.key <= frame.key);
        if at == 0 || self.waiting.get(at - 1).is_some_and(|other| other.key < frame.key) {
            self.waiting.insert(at, frame);
        }
    }

    /// Returns whether a frame has waited too long at `now_ns`.
    pub fn is_overdue(&self, now_ns: i64) -> bool {
        self.waiting.len() > MAX_WAITING
            || (now_ns.saturating_sub(self.heard_ns) > MAX_WAIT_NS
                && self
                    .waiting
                    .iter()
                    .any(|frame| now_ns.saturating_sub(frame.known_ns) > MAX_WAIT_NS))
    }

    /// Lets the socket of the first waiting frame lead, and returns all that wait, in order.
    pub fn hand_over(&mut self) -> VecDeque<Waiting> {
        self.lead = self.waiting.front().map(|frame| frame.socket);
        std::mem::take(&mut self.waiting)
    }

    /// Forgets a socket that is closed; returns the frames that waited for it.
    pub fn close(&mut self, socket: u32) -> VecDeque<Waiting> {
        if self.lead == Some(socket) {
            return self.hand_over();
        }
        self.waiting.retain(|frame| frame.socket != socket);
        VecDeque::new()
    }

    /// Forgets all sockets; what was seen stays seen.
    pub fn reset(&mut self) {
        self.lead = None;
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(key: i64, known_ns: i64) -> Waiting {
        Waiting { key, known_ns, socket: 2, line: Vec::new() }
    }

    #[test]
    fn of_two_sockets_every_key_is_taken_once() {
        let mut lane = Lane::default();
        assert_eq!(lane.judge(5, 50, 1, 0), Verdict::Take);
        assert_eq!(lane.judge(5, 50, 2, 0), Verdict::Repeat);
        assert_eq!(lane.judge(7, 70, 2, 0), Verdict::Wait);
        lane.wait(waiting(7, 0));
        assert_eq!(lane.judge(6, 60, 1, 0), Verdict::Take);
        assert!(!lane.is_overdue(MAX_WAIT_NS));
        assert!(lane.is_overdue(MAX_WAIT_NS + 1));
        assert_eq!(lane.judge(7, 70, 1, 0), Verdict::Take);
        assert!(!lane.is_overdue(i64::MAX));
    }

    #[test]
    fn the_other_socket_leads_once_the_first_is_closed() {
        let mut lane = Lane::default();
        lane.judge(5, 50, 1, 0);
        for key in [9, 7, 8, 8] {
            lane.wait(waiting(key, 0));
        }
        let keys: Vec<_> = lane.close(1).iter().map(|frame| frame.key).collect();
        assert_eq!(keys, [7, 8, 9]);
        assert_eq!(lane.judge(7, 70, 2, 0), Verdict::Take);
    }

    #[test]
    fn an_id_that_never_came_may_come_once() {
        let mut lane = Lane::default();
        lane.open_hole(5, 7);
        lane.open_hole(9, 8);
        let filled: Vec<_> = [6, 6, 5, 8, 7, 7].into_iter().filter(|key| lane.fill(*key)).collect();
        assert_eq!(filled, [6, 5, 7]);
        assert!(lane.holes.is_empty());
    }

    #[test]
    fn a_lower_key_is_a_repeat_unless_it_was_sent_later() {
        let mut lane = Lane::default();
        lane.judge(50, 50, 1, 0);
        assert_eq!(lane.judge(49, 49, 1, 0), Verdict::Repeat);
        assert_eq!(lane.judge(3, 51, 1, 0), Verdict::Take);
        assert_eq!(lane.judge(4, 52, 1, 0), Verdict::Take);
    }
}
