//! The objects shown of one list, since when, and what each bar changes about them.

use crate::event::EventKind;
use crate::stroke::State;
use crate::structure::Life;

/// An object with an identity that may change its looks.
pub(crate) trait Tracked: Copy {
    /// Where it stands in its list: strictly rising.
    fn key(&self) -> (usize, u8);
    /// Whether an object of the same key is the same one.
    fn is(&self, other: &Self) -> bool;
    /// Whether nothing that is shown of it has moved.
    fn looks_like(&self, other: &Self) -> bool;
    fn life(&self) -> &Life;
    fn life_mut(&mut self) -> &mut Life;
}

/// Whether a bar is read for the first time or corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    Push,
    Replace,
}

/// The objects of one list after the last bar.
#[derive(Debug, Clone)]
pub(crate) struct Ledger<T> {
    shown: Vec<T>,
    /// What was shown from `base_from` on before the last bar.
    base: Vec<T>,
    base_from: usize,
    /// What was shown in its place a moment ago.
    old: Vec<T>,
    /// What was withdrawn, where that is kept, and how much of it before the last bar.
    voided: Option<Vec<T>>,
    voided_before: usize,
}

impl<T: Tracked> Ledger<T> {
    pub fn new(keeps_voided: bool) -> Self {
        Self {
            shown: Vec::new(),
            base: Vec::new(),
            base_from: 0,
            old: Vec::new(),
            voided: keeps_voided.then(Vec::new),
            voided_before: 0,
        }
    }

    pub fn shown(&self) -> &[T] {
        &self.shown
    }

    pub fn voided(&self) -> &[T] {
        self.voided.as_deref().unwrap_or_default()
    }

    /// Begins a bar. Returns the first object to be renewed, knowing that those before `from` are as they were.
    pub fn begin(&mut self, from: usize, reading: Reading) -> usize {
        let from = from.min(self.shown.len());
        match reading {
            Reading::Push => {
                self.base.clear();
                self.base.extend_from_slice(self.shown.get(from..).unwrap_or_default());
                self.base_from = from;
                self.voided_before = self.voided().len();
            }
            Reading::Replace => {
                if let Some(more) = self.shown.get(from..self.base_from.min(self.shown.len())) {
                    self.base.splice(0..0, more.iter().copied());
                }
                self.base_from = self.base_from.min(from);
                if let Some(voided) = &mut self.voided {
                    voided.truncate(self.voided_before);
                }
            }
        }
        self.base_from
    }

    /// Takes the objects from where [`begin`](Self::begin) said and tells what changed: void objects from the last to
    /// the first, then new and revised ones, then confirmed ones.
    pub fn renew(
        &mut self,
        new: impl Iterator<Item = T>,
        bar: usize,
        tell: impl FnMut(EventKind, T),
    ) {
        let from = self.base_from;
        self.old.clear();
        self.old.extend(self.shown.drain(from..));
        for mut object in new {
            let known = find(&self.base, &object).map(|known| *known.life());
            let life = object.life_mut();
            life.first_seen_bar = known.map_or(bar, |known| known.first_seen_bar);
            if life.state == State::Confirmed {
                life.confirmed_bar = known.and_then(|known| known.confirmed_bar).or(Some(bar));
            }
            self.shown.push(object);
        }
        let now = self.shown.get(from..).unwrap_or_default();
        if let Some(voided) = &mut self.voided {
            let gone = self.base.iter().filter(|object| find(now, object).is_none());
            voided.extend(gone.map(|object| void(*object, bar)));
        }
        differences(&self.old, now, bar, tell);
    }
}

/// Tells what is different `now` from what was shown, of one list: void objects from the last to the first, then new
/// and revised ones, then confirmed ones.
pub(crate) fn differences<T: Tracked>(
    old: &[T],
    now: &[T],
    bar: usize,
    mut tell: impl FnMut(EventKind, T),
) {
    for object in old.iter().rev().filter(|object| find(now, object).is_none()) {
        tell(EventKind::Void, void(*object, bar));
    }
    for object in now {
        let known = find(old, object);
        let unconfirmed = known.is_some_and(is_confirmed) && !is_confirmed(object);
        match known {
            None => tell(EventKind::New, *object),
            Some(known) if unconfirmed || !known.looks_like(object) => {
                tell(EventKind::Revised, *object);
            }
            Some(_) => {}
        }
    }
    for object in now.iter().filter(|object| is_confirmed(*object)) {
        if !find(old, object).is_some_and(is_confirmed) {
            tell(EventKind::Confirmed, *object);
        }
    }
}

/// Returns the objects of `old` that are not there `now`, in order.
pub(crate) fn gone<'a, T: Tracked>(old: &'a [T], now: &'a [T]) -> impl Iterator<Item = &'a T> {
    old.iter().filter(|object| find(now, object).is_none())
}

/// Returns the same object in a list.
fn find<'a, T: Tracked>(list: &'a [T], object: &T) -> Option<&'a T> {
    let at = list.binary_search_by_key(&object.key(), Tracked::key).ok()?;
    list.get(at).filter(|other| other.is(object))
}

fn is_confirmed<T: Tracked>(object: &T) -> bool {
    object.life().state == State::Confirmed
}

pub(crate) fn void<T: Tracked>(mut object: T, bar: usize) -> T {
    let life = object.life_mut();
    (life.state, life.void_bar) = (State::Void, Some(bar));
    object
}
