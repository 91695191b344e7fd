//! A whole history at once: columns of bars, and at each close the position that is wanted.

use crate::account::notional_nano;
use crate::ladder::Side;

use super::{Bar, BarOrder, BarRules, BarVenue};

/// A wanted position that means: as it is.
pub const HOLD: i64 = i64::MIN;

/// Columns of bars, of one length, read where they lie; prices in 10^-p, volume in lots.
#[derive(Clone, Copy, Debug)]
pub struct BarColumns<'a> {
    /// Open, high, low, close.
    pub prices: [&'a [i64]; 4],
    /// Lots traded; without it nothing is capped and nothing is suspended.
    pub volume: Option<&'a [i64]>,
    /// The day of each bar, not falling; without it every bar is a day.
    pub day: Option<&'a [i64]>,
    /// Funding paid at each bar's open, in parts per billion; mostly 0.
    pub funding_ppb: Option<&'a [i64]>,
}

/// What is wanted at each close, of the bars' length.
#[derive(Clone, Copy, Debug)]
pub struct Targets<'a> {
    /// The position in lots, or [`HOLD`]. Only a change of it is a decision: a stopped position is not entered again.
    pub position: &'a [i64],
    /// Stop for the entry decided here, in 10^-p; 0 for none.
    pub stop: Option<&'a [i64]>,
    /// Take-profit for it, in 10^-p; 0 for none.
    pub target: Option<&'a [i64]>,
}

/// What became of it.
#[derive(Clone, Debug)]
pub struct BarRun {
    /// The venue after the last bar: fills, account, counts.
    pub venue: BarVenue,
    /// Money and position at each close, in 10^-(p+q+9), rounded to a float; empty unless asked for.
    pub equity_nano: Vec<f64>,
}

impl<'a> BarColumns<'a> {
    /// Checks the columns and returns how many bars they have.
    ///
    /// # Errors
    /// Lengths that differ; the first bar with prices below 1 or not within its range, or with a negative volume.
    pub fn rows(&self) -> Result<usize, String> {
        let [open, high, low, close] = self.prices;
        let rows = open.len();
        let optional = |column: Option<&[i64]>| column.map_or(rows, <[i64]>::len);
        for (name, len) in [
            ("high", high.len()),
            ("low", low.len()),
            ("close", close.len()),
            ("volume", optional(self.volume)),
            ("day", optional(self.day)),
            ("funding_ppb", optional(self.funding_ppb)),
        ] {
            if len != rows {
                return Err(format!("{name} has {len} values and open has {rows}"));
            }
        }
        if rows > u32::MAX as usize {
            return Err(format!("there are {rows} bars, at most {}", u32::MAX));
        }
        let bars = open.iter().zip(high).zip(low).zip(close);
        let is_wrong = |&(((&o, &h), &l), &c): &(((&i64, &i64), &i64), &i64)| {
            l < 1 || h > i64::MAX / 4 || o.min(c) < l || o.max(c) > h
        };
        if let Some((row, (((o, h), l), c))) = bars.enumerate().find(|(_, bar)| is_wrong(bar)) {
            return Err(format!(
                "bar {row} has open {o}, high {h}, low {l}, close {c}: out of order"
            ));
        }
        if let Some(row) = self.volume.and_then(|lots| lots.iter().position(|&lots| lots < 0)) {
            return Err(format!("volume of bar {row} is negative"));
        }
        Ok(rows)
    }

    fn iter(self) -> impl Iterator<Item = (Bar, i64)> + 'a {
        let [open, high, low, close] = self.prices;
        let bars = open.iter().zip(high).zip(low).zip(close).enumerate();
        let at = |column: Option<&'a [i64]>, row: usize| column.and_then(|c| c.get(row)).copied();
        bars.map(move |(row, (((&open, &high), &low), &close))| {
            let volume = at(self.volume, row);
            let day = at(self.day, row).unwrap_or(row as i64);
            let funding_ppb = at(self.funding_ppb, row).unwrap_or(0);
            (Bar { open, high, low, close, volume, day }, funding_ppb)
        })
    }
}

impl Targets<'_> {
    fn check(&self, rows: usize, rules: &BarRules) -> Result<(), String> {
        let optional = |column: Option<&[i64]>| column.map_or(rows, <[i64]>::len);
        for (name, len) in [
            ("position", self.position.len()),
            ("stop", optional(self.stop)),
            ("target", optional(self.target)),
        ] {
            if len != rows {
                return Err(format!("{name} has {len} values and there are {rows} bars"));
            }
        }
        let lowest = if rules.allow_short { -(i64::MAX / 4) } else { 0 };
        let is_wrong = |lots: i64| {
            lots != HOLD && (lots < lowest || lots > i64::MAX / 4 || lots % rules.lot != 0)
        };
        match self.position.iter().position(|&lots| is_wrong(lots)) {
            Some(row) => Err(format!(
                "position of bar {row} is {}, at least {lowest} and a multiple of {}",
                self.position.get(row).copied().unwrap_or(0),
                rules.lot
            )),
            None => Ok(()),
        }
    }
}

/// Plays bars with the positions wanted at their closes.
///
/// # Errors
/// What is wrong with the rules or the columns, with the row.
pub fn run(
    rules: BarRules,
    bars: BarColumns<'_>,
    targets: Targets<'_>,
    deposit_nano: i128,
    with_equity: bool,
) -> Result<BarRun, String> {
    let mut venue = BarVenue::new(rules)?;
    let rows = bars.rows()?;
    targets.check(rows, &venue.rules)?;
    venue.account.deposit(deposit_nano);
    let mut equity_nano = Vec::with_capacity(if with_equity { rows } else { 0 });
    let mut wanted = 0;
    let mut cash = deposit_nano as f64;
    let mut fills = 0;
    let exit = |column: Option<&[i64]>, row: usize| {
        column.and_then(|prices| prices.get(row)).copied().filter(|&price| price > 0)
    };
    for (row, ((bar, funding_ppb), &position)) in bars.iter().zip(targets.position).enumerate() {
        let pays = funding_ppb != 0 && venue.account.position != 0;
        if pays {
            venue.fund(bar.open, funding_ppb);
        }
        venue.on_bar(&bar);
        if position != HOLD && position != wanted {
            wanted = position;
            venue.want(position, [exit(targets.stop, row), exit(targets.target, row)]);
        }
        if with_equity {
            if pays || venue.fills.len() != fills {
                fills = venue.fills.len();
                cash = (venue.account.wallet_nano - venue.account.cost_nano) as f64;
            }
            let held = venue.account.position;
            let worth = if held == 0 { 0.0 } else { notional_nano(bar.close, held) as f64 };
            equity_nano.push(cash + worth);
        }
    }
    Ok(BarRun { venue, equity_nano })
}

impl BarVenue {
    /// Replaces what is still under way by one market order to a position, with exits for what it opens.
    pub fn want(&mut self, position: i64, exits: [Option<i64>; 2]) {
        while let Some(number) =
            self.live.iter().find(|live| live.entry == 0).map(|live| live.number)
        {
            self.cancel(number);
        }
        let lots = position.saturating_sub(self.account.position);
        if lots != 0 {
            let side = if lots > 0 { Side::Buy } else { Side::Sell };
            self.place(
                BarOrder { exits, ..BarOrder::market(side, lots.saturating_abs()) },
                0,
                None,
            );
        }
    }
}
