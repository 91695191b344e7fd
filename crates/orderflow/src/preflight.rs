//! Checks a whole recording before anything runs on it.

use crate::error::Error;
use crate::event::{Body, EventBatch};
use crate::frame::FrameKind;
use crate::scan::Scale;
use crate::sync::{BookSync, Change, Diff, SyncState};
use crate::venue::Venue;
use crate::wire::WireParser;

const NS_PER_MS: i64 = 1_000_000;
/// Breaks listed in the report; all are counted.
const MAX_LISTED: usize = 100;

/// A hole in a stream's ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Break {
    /// Line of the first frame after the hole.
    pub line: u64,
    /// What the stream carries.
    pub kind: FrameKind,
    /// Last id before.
    pub from_id: i64,
    /// First id after.
    pub to_id: i64,
}

/// How the book ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BookEnd {
    /// The recording has no depth frames.
    NoDepth,
    /// There are diffs, but no snapshot that fits them.
    NeverSynced,
    /// Lost by a gap or a crossing, and no later snapshot brought it back.
    Lost,
    /// The venue's book at the end.
    Synced,
}

impl BookEnd {
    /// Returns the name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoDepth => "no_depth",
            Self::NeverSynced => "never_synced",
            Self::Lost => "lost",
            Self::Synced => "synced",
        }
    }
}

/// What a recording holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The one symbol of all frames.
    pub symbol: String,
    /// The venue, where a frame shows it: trades alone may be of any of Binance's.
    pub venue: Option<Venue>,
    /// Decimals of prices and quantities.
    pub scale: Scale,
    /// Lines, remarks included.
    pub lines: u64,
    /// Frames by kind: depth, snapshot, bookTicker, trade, aggTrade, unused, remark.
    pub frames: [u64; 7],
    /// Breaks of the chain of diffs.
    pub depth_breaks: u64,
    /// Times a trade id skipped.
    pub trade_breaks: u64,
    /// The first 100 of both.
    pub breaks: Vec<Break>,
    /// Frames that repeat the id before them.
    pub repeats: u64,
    /// How the book ends.
    pub book: BookEnd,
    /// Times the book became synced.
    pub syncs: u64,
    /// Line of the first frame at which the book became synced.
    pub synced_line: Option<u64>,
    /// Lines at which the book was lost, the first 100.
    pub lost_lines: Vec<u64>,
    /// Lowest venue time, Unix ms.
    pub first_event_ms: i64,
    /// Highest venue time, Unix ms.
    pub last_event_ms: i64,
}

/// An incremental check: feed all bytes, then finish.
#[derive(Clone, Debug)]
pub struct Preflight {
    parser: WireParser,
    sync: BookSync,
    changes: Vec<Change>,
    depth_id: Option<i64>,
    trade_id: Option<i64>,
    quote_id: Option<i64>,
    depth_breaks: u64,
    trade_breaks: u64,
    breaks: Vec<Break>,
    repeats: u64,
    syncs: u64,
    synced_line: Option<u64>,
    lost_lines: Vec<u64>,
    span_ms: Option<(i64, i64)>,
}

impl Preflight {
    /// Returns a check; without a symbol the first frame's is the one that all others must have.
    pub fn new(symbol: Option<&str>) -> Self {
        Self {
            parser: WireParser::with_origins(symbol),
            sync: BookSync::new(Some(1_000)),
            changes: Vec::new(),
            depth_id: None,
            trade_id: None,
            quote_id: None,
            depth_breaks: 0,
            trade_breaks: 0,
            breaks: Vec::new(),
            repeats: 0,
            syncs: 0,
            synced_line: None,
            lost_lines: Vec::new(),
            span_ms: None,
        }
    }

    /// Passes over frames of other symbols, for recordings of many; by default they are faults.
    pub fn skip_others(&mut self) {
        self.parser.skip_others();
    }

    /// Takes the next bytes of the recording.
    ///
    /// # Errors
    /// The first line that cannot be used.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.parser.feed(bytes)?;
        self.examine();
        Ok(())
    }

    /// Returns the report.
    ///
    /// # Errors
    /// A last line cut short, or a recording without events.
    pub fn finish(mut self) -> Result<Report, Error> {
        self.parser.finish()?;
        self.examine();
        let (Some(symbol), Some(scale), Some((first_event_ms, last_event_ms))) =
            (self.parser.symbol(), self.parser.scale(), self.span_ms)
        else {
            return Err(Error::Recording("the recording has no market events".to_owned()));
        };
        let kinds = [
            FrameKind::Depth,
            FrameKind::Snapshot,
            FrameKind::Quote,
            FrameKind::Trade,
            FrameKind::AggTrade,
            FrameKind::Unused,
            FrameKind::Remark,
        ];
        let frames = kinds.map(|kind| self.parser.frames(kind));
        let book = match self.sync.state() {
            SyncState::Synced => BookEnd::Synced,
            _ if self.syncs > 0 => BookEnd::Lost,
            _ if frames[0] > 0 => BookEnd::NeverSynced,
            _ => BookEnd::NoDepth,
        };
        Ok(Report {
            symbol,
            venue: self.parser.venue(),
            scale,
            lines: self.parser.lines(),
            frames,
            depth_breaks: self.depth_breaks,
            trade_breaks: self.trade_breaks,
            breaks: self.breaks,
            repeats: self.repeats,
            book,
            syncs: self.syncs,
            synced_line: self.synced_line,
            lost_lines: self.lost_lines,
            first_event_ms,
            last_event_ms,
        })
    }

    fn examine(&mut self) {
        let batch = self.parser.take(None);
        let origins = self.parser.take_origins();
        for (event, (line, kind)) in batch.events.iter().zip(origins) {
            let event_ms = event.event_ns.div_euclid(NS_PER_MS);
            let (first, last) = self.span_ms.unwrap_or((event_ms, event_ms));
            self.span_ms = Some((first.min(event_ms), last.max(event_ms)));
            self.examine_body(event.body, event_ms, line, kind, &batch);
        }
    }

    fn examine_body(
        &mut self,
        body: Body,
        event_ms: i64,
        line: u64,
        kind: FrameKind,
        batch: &EventBatch,
    ) {
        match body {
            Body::Quote { update_id, .. } => {
                let before = self.quote_id.replace(update_id);
                self.repeats += u64::from(before == Some(update_id));
            }
            Body::Trade { trade_id, .. } => {
                let before = self.trade_id.replace(trade_id);
                self.follow(line, kind, before, trade_id, trade_id, |before| {
                    trade_id == before.saturating_add(1)
                });
            }
            Body::Depth { first_id, final_id, prev_final_id, bids, asks } => {
                let before = self.depth_id.replace(final_id);
                self.follow(line, kind, before, first_id, final_id, |before| {
                    if prev_final_id >= 0 {
                        prev_final_id == before
                    } else {
                        first_id == before.saturating_add(1)
                    }
                });
                let (bids, asks) = (batch.levels(bids), batch.levels(asks));
                let diff = Diff { first_id, final_id, prev_final_id, event_ms, bids, asks };
                self.sync.on_diff(&diff, &mut self.changes);
                self.note_changes(line);
            }
            Body::Book { id, bids, asks } => {
                let (bids, asks) = (batch.levels(bids), batch.levels(asks));
                self.sync.on_book(id, event_ms, bids, asks, &mut self.changes);
                self.note_changes(line);
            }
            Body::Reset => {
                self.sync.reset(event_ms, &mut self.changes);
                self.note_changes(line);
            }
            Body::Snapshot { last_id, bids, asks } => {
                let (bids, asks) = (batch.levels(bids), batch.levels(asks));
                self.sync.on_snapshot(last_id, bids, asks, &mut self.changes);
                self.note_changes(line);
            }
        }
    }

    /// Counts a repeat or a break of a chain of ids.
    fn follow(
        &mut self,
        line: u64,
        kind: FrameKind,
        before: Option<i64>,
        to_id: i64,
        final_id: i64,
        follows: impl Fn(i64) -> bool,
    ) {
        let Some(from_id) = before else { return };
        if final_id == from_id {
            self.repeats += 1;
        } else if !follows(from_id) {
            let of_depth = kind == FrameKind::Depth;
            *(if of_depth { &mut self.depth_breaks } else { &mut self.trade_breaks }) += 1;
            if self.breaks.len() < MAX_LISTED {
                self.breaks.push(Break { line, kind, from_id, to_id });
            }
        }
    }

    fn note_changes(&mut self, line: u64) {
        for change in self.changes.drain(..) {
            match change {
                Change::Synced => {
                    self.syncs += 1;
                    self.synced_line.get_or_insert(line);
                }
                Change::Lost(_) | Change::Crossed(_) => {
                    if self.lost_lines.len() < MAX_LISTED {
                        self.lost_lines.push(line);
                    }
                }
                Change::Applied { .. } => {}
            }
        }
    }
}
