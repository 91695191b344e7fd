//! Raw bytes of a recording to events: lines held back until p and q are known, then parsed as they come.

use crate::error::Error;
use crate::event::EventBatch;
use crate::frame::{FrameKind, FrameReader};
use crate::scan::Scale;
use crate::venue::Venue;

/// How many bytes may wait for the first bookTicker.
const MAX_HELD_BYTES: usize = 64 << 20;

/// A streaming parser of `<recv_ns> <json>` lines of one symbol.
///
/// Prices and quantities are integers of 10^-p and 10^-q; p and q are the decimals of the first bookTicker, and what comes before
/// it waits. The first fault ends the parser: every later call returns it again.
#[derive(Clone, Debug, Default)]
pub struct WireParser {
    reader: FrameReader,
    /// Bytes not parsed yet: part of a line, or all lines before the first bookTicker.
    held: Vec<u8>,
    /// How much of `held` was searched for a bookTicker, and how many lines that was.
    probed: (usize, u64),
    /// p and q as the first best quotes show them, while the parser still waits for a frame with a time.
    shown: Option<Scale>,
    waits_for_clock: bool,
    lines: u64,
    queue: EventBatch,
    /// First event of `queue` not taken yet.
    head: usize,
    /// Line and kind of each event of `queue`, kept only for the preflight.
    origins: Option<Vec<(u64, FrameKind)>>,
    frames: [u64; 7],
    clock_ns: i64,
    fault: Option<Error>,
}

impl WireParser {
    /// Returns a parser; without a symbol the first frame's is the one that all others must have.
    pub fn new(symbol: Option<&str>) -> Self {
        let mut parser = Self::default();
        parser.reader.symbol = symbol.map(|name| name.as_bytes().to_vec());
        parser.clock_ns = i64::MIN;
        parser
    }

    /// Returns a parser that keeps each event's line for [`Self::take_origins`].
    pub(crate) fn with_origins(symbol: Option<&str>) -> Self {
        Self { origins: Some(Vec::new()), ..Self::new(symbol) }
    }

    /// Returns the symbol, once known.
    pub fn symbol(&self) -> Option<String> {
        self.reader.symbol.as_ref().map(|name| String::from_utf8_lossy(name).into_owned())
    }

    /// Requires that the frames are of this venue; without it the first telling frame decides.
    pub fn expect_venue(&mut self, venue: Venue) {
        self.reader.venue = Some(venue);
    }

    /// Passes over frames of other symbols, for recordings of many; by default they are faults. The symbol must be given.
    pub fn skip_others(&mut self) {
        self.reader.skips_others = true;
    }

    /// Returns the venue, once a frame has shown it.
    pub fn venue(&self) -> Option<Venue> {
        self.reader.venue
    }

    /// Returns p and q, once known.
    pub fn scale(&self) -> Option<Scale> {
        self.reader.scale
    }

    /// Returns how many lines were parsed.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Returns how many lines of a kind were parsed.
    pub fn frames(&self, kind: FrameKind) -> u64 {
        self.frames[kind as usize]
    }

    /// Returns the venue time of the next event, in Unix ns.
    pub fn next_event_ns(&self) -> Option<i64> {
        self.queue.events.get(self.head).map(|event| event.event_ns)
    }

    /// Appends bytes and parses the lines they complete.
    ///
    /// # Errors
    /// The first line that cannot be used, by number, value and bound.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.check()?;
        let result = self.feed_lines(bytes);
        self.remember(result)
    }

    /// Parses the last line, which may lack its line end.
    ///
    /// # Errors
    /// A last line cut short, or a recording without a bookTicker.
    pub fn finish(&mut self) -> Result<(), Error> {
        self.check()?;
        let result = self.finish_lines();
        self.remember(result)
    }

    /// Takes the events from the front up to the first at which the running maximum of venue time reaches `until_ns`; all without
    /// it. Arrival order is kept.
    pub fn take(&mut self, until_ns: Option<i64>) -> EventBatch {
        let Some(until_ns) = until_ns else {
            if self.head == 0 {
                for event in &self.queue.events {
                    self.clock_ns = self.clock_ns.max(event.event_ns);
                }
                // A steady feed gives batches of like size: room for the next one saves its growth.
                let next = EventBatch {
                    events: Vec::with_capacity(self.queue.events.len().min(1 << 12)),
                    levels: Vec::with_capacity(self.queue.levels.len().min(1 << 14)),
                };
                return std::mem::replace(&mut self.queue, next);
            }
            return self.split(self.queue.events.len());
        };
        let mut end = self.head;
        while let Some(event) = self.queue.events.get(end) {
            let clock_ns = self.clock_ns.max(event.event_ns);
            if clock_ns >= until_ns {
                break;
            }
            self.clock_ns = clock_ns;
            end += 1;
        }
        self.split(end)
    }

    /// Takes the lines and kinds of the events that [`Self::take`] gives without a bound.
    pub(crate) fn take_origins(&mut self) -> Vec<(u64, FrameKind)> {
        self.origins.as_mut().map(std::mem::take).unwrap_or_default()
    }

    fn check(&self) -> Result<(), Error> {
        self.fault.clone().map_or(Ok(()), Err)
    }

    fn remember(&mut self, result: Result<(), Error>) -> Result<(), Error> {
        if let Err(fault) = &result {
            self.fault = Some(fault.clone());
        }
        result
    }

    fn feed_lines(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n').map(|at| at + 1) else {
            self.held.extend_from_slice(bytes);
            return self.check_held();
        };
        if self.reader.scale.is_none() {
            self.held.extend_from_slice(bytes);
            let complete = self.held.len() - (bytes.len() - end);
            if !self.probe(complete)? {
                return self.check_held();
            }
            let held = std::mem::take(&mut self.held);
            self.parse(&held[..complete])?;
            self.held.extend_from_slice(&held[complete..]);
            return Ok(());
        }
        let mut at = 0;
        if !self.held.is_empty() {
            at = bytes.iter().position(|byte| *byte == b'\n').map_or(end, |at| at + 1);
            let mut line = std::mem::take(&mut self.held);
            line.extend_from_slice(&bytes[..at]);
            self.parse(&line)?;
            line.clear();
            self.held = line;
        }
        self.parse(&bytes[at..end])?;
        self.held.extend_from_slice(&bytes[end..]);
        Ok(())
    }

    fn finish_lines(&mut self) -> Result<(), Error> {
        let rest = self.held.split(|byte| *byte == b'\n').next_back().unwrap_or(&[]);
        let cut = !rest.is_empty();
        if cut {
            self.held.push(b'\n');
        }
        let ends = self.held.iter().filter(|byte| **byte == b'\n').count() as u64;
        let last_line = self.lines + ends;
        let name_cut = |fault| match fault {
            Error::Line { line, what } if cut && line == last_line => {
                Error::Line { line, what: format!("the last line has no line end: {what}") }
            }
            other => other,
        };
        if self.reader.scale.is_none() && !self.probe(self.held.len()).map_err(name_cut)? {
            // Without any frame that tells the time, the receive time is all there is.
            self.reader.scale = self.shown;
        }
        if self.reader.scale.is_none() {
            return Err(Error::Recording(format!(
                "no bookTicker frame in {} lines, so the decimals of prices and quantities are unknown",
                self.probed.1
            )));
        }
        let held = std::mem::take(&mut self.held);
        self.parse(&held).map_err(name_cut)
    }

    fn check_held(&self) -> Result<(), Error> {
        if self.held.len() <= MAX_HELD_BYTES {
            return Ok(());
        }
        let what = if self.reader.scale.is_some() {
            format!("the line is longer than {MAX_HELD_BYTES} bytes")
        } else {
            format!("no bookTicker frame in the first {MAX_HELD_BYTES} bytes")
        };
        Err(Error::Line { line: self.lines + self.probed.1 + 1, what })
    }

    /// Looks for the first bookTicker in the complete lines of `held` and sets p and q from it.
    fn probe(&mut self, complete: usize) -> Result<bool, Error> {
        while self.probed.0 < complete {
            let rest = &self.held[self.probed.0..complete];
            let len = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
            let line = self.probed.1 + 1;
            let found =
                self.reader.probe(&rest[..len]).map_err(|what| Error::Line { line, what })?;
            self.shown = self.shown.or(found.scale);
            self.waits_for_clock |= found.is_timeless;
            if self.shown.is_some() && (!self.waits_for_clock || self.reader.has_offset()) {
                self.reader.scale = self.shown;
                self.probed = (0, 0);
                return Ok(true);
            }
            self.probed = (self.probed.0 + len, line);
        }
        Ok(false)
    }

    /// Parses complete lines.
    fn parse(&mut self, text: &[u8]) -> Result<(), Error> {
        let Some(scale) = self.reader.scale else { return Ok(()) };
        let mut at = 0;
        while at < text.len() {
            let line = self.lines + 1;
            let before = (self.queue.events.len(), self.queue.levels.len());
            let (kind, len) =
                self.reader.read(&text[at..], scale, &mut self.queue).map_err(|what| {
                    // What the broken line left behind counts for nothing.
                    self.queue.events.truncate(before.0);
                    self.queue.levels.truncate(before.1);
                    Error::Line { line, what }
                })?;
            self.lines = line;
            self.frames[kind as usize] += 1;
            if self.queue.events.len() == before.0 {
                self.queue.levels.truncate(before.1);
            } else if let Some(origins) = &mut self.origins {
                // A frame of trades may hold many.
                origins.resize(origins.len() + self.queue.events.len() - before.0, (line, kind));
            }
            at += len + 1;
        }
        Ok(())
    }

    /// Moves the events before `end` into a batch of their own.
    fn split(&mut self, end: usize) -> EventBatch {
        let taken = &self.queue.events[self.head..end];
        let mut batch = EventBatch { events: Vec::with_capacity(taken.len()), levels: Vec::new() };
        for event in taken {
            self.clock_ns = self.clock_ns.max(event.event_ns);
            batch.append(event, &self.queue);
        }
        self.head = end;
        if self.head == self.queue.events.len() {
            self.queue.clear();
            self.head = 0;
        } else if self.head > 65_536 && self.head > self.queue.events.len() / 2 {
            self.compact();
        }
        batch
    }

    /// Drops what was taken; the cost is paid once per as many events.
    fn compact(&mut self) {
        let mut kept = EventBatch::default();
        std::mem::swap(&mut kept, &mut self.queue);
        for event in &kept.events[self.head..] {
            self.queue.append(event, &kept);
        }
        self.head = 0;
    }
}
