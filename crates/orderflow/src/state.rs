//! State to bytes and back, so that a restart equals an unbroken run. Little-endian, fields in order, nothing implied.
//!
//! What can be derived from something else is not written, so that bytes from a stranger cannot make two parts disagree.

use std::collections::{BTreeMap, VecDeque};

use crate::error::Error;

/// Bytes being written.
pub(crate) type Writer = Vec<u8>;

/// Bytes being read.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Returns a reader at the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Takes the next `N` bytes.
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or_else(|| cut(N))?;
        self.rest = rest;
        Ok(*head)
    }

    /// Refuses bytes after the last field.
    pub fn end(&self) -> Result<(), Error> {
        match self.rest.len() {
            0 => Ok(()),
            extra => Err(Error::Setting(format!("the saved state has {extra} bytes too many"))),
        }
    }

    fn len(&mut self) -> Result<usize, Error> {
        let len = u64::load(self)?;
        // An element takes a byte at least, so a length above what is left is a lie.
        if len > self.rest.len() as u64 {
            return Err(Error::Setting(format!(
                "the saved state names {len} elements with {} bytes left",
                self.rest.len()
            )));
        }
        Ok(len as usize)
    }
}

fn cut(wanted: usize) -> Error {
    Error::Setting(format!("the saved state ends early: {wanted} more bytes were expected"))
}

/// Returns the error of a value that no engine writes.
pub(crate) fn refused(what: &str, value: impl std::fmt::Display) -> Error {
    Error::Setting(format!("the saved state has {what} {value}"))
}

/// What can be saved and loaded.
pub(crate) trait State: Sized {
    /// Appends itself.
    fn save(&self, out: &mut Writer);
    /// Reads itself.
    fn load(from: &mut Reader<'_>) -> Result<Self, Error>;
}

macro_rules! numbers {
    ($($kind:ty)*) => {$(
        impl State for $kind {
            fn save(&self, out: &mut Writer) {
                out.extend_from_slice(&self.to_le_bytes());
            }
            fn load(from: &mut Reader<'_>) -> Result<Self, Error> {
                Ok(Self::from_le_bytes(from.take()?))
            }
        }
    )*};
}

numbers!(u8 u16 u32 u64 i32 i64 i128 f64);

/// Saves and loads a struct field by field.
macro_rules! state_of {
    ($name:ty { $($field:ident),* $(,)? }) => {
        impl $crate::state::State for $name {
            fn save(&self, out: &mut $crate::state::Writer) {
                $($crate::state::State::save(&self.$field, out);)*
            }
            fn load(from: &mut $crate::state::Reader<'_>) -> Result<Self, $crate::error::Error> {
                Ok(Self { $($field: $crate::state::State::load(from)?),* })
            }
        }
    };
}
pub(crate) use state_of;

impl State for usize {
    fn save(&self, out: &mut Writer) {
        (*self as u64).save(out);
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Error> {
        let value = u64::load(from)?;
        Self::try_from(value).map_err(|_| refused("a count of", value))
    }
}

impl State for bool {
    fn save(&self, out: &mut Writer) {
        out.push(u8::from(*self));
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Error> {
        match u8::load(from)? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(refused("a flag of", other)),
        }
    }
}

impl<T: State> State for Option<T> {
    fn save(&self, out: &mut Writer) {
        self.is_some().save(out);
        if let Some(value) = self {
            value.save(out);
        }
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Error> {
        Ok(if bool::load(from)? { Some(T::load(from)?) } else { None })
    }
}

impl<T: State> State for Vec<T> {
    fn save(&self, out: &mut Writer) {
        (self.len() as u64).save(out);
        self.iter().for_each(|value| value.save(out));
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Error> {
        (0..from.len()?).map(|_| T::load(from)).collect()
    }
}

impl<T: State> State for VecDeque<T> {
    fn save(&self, out: &mut Writer) {
        (self.len() as u64).save(out);
        self.iter().for_each(|value| value.save(out));
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Error> {
        (0..from.len()?).map(|_| T::load(from)).collect()
    }
}

impl<K: State + Ord, V: State> State for BTreeMap<K, V> {
    fn save(&self, out: &mut Writer) {
        (self.len() as u64).save(out);
        for (key, value) in self {
            key.save(out);
            value.save(out);
        }
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Error> {
        (0..from.len()?).map(|_| Ok((K::load(from)?, V::load(from)?))).collect()
    }
}

impl<T: State + Copy + Default, const N: usize> State for [T; N] {
    fn save(&self, out: &mut Writer) {
        self.iter().for_each(|value| value.save(out));
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Error> {
        let mut all = [T::default(); N];
        for slot in &mut all {
            *slot = T::load(from)?;
        }
        Ok(all)
    }
}

macro_rules! tuples {
    ($(($($name:ident $at:tt),*))*) => {$(
        impl<$($name: State),*> State for ($($name,)*) {
            fn save(&self, out: &mut Writer) {
                $(self.$at.save(out);)*
            }
            fn load(from: &mut Reader<'_>) -> Result<Self, Error> {
                Ok(($($name::load(from)?,)*))
            }
        }
    )*};
}

tuples!((A 0, B 1) (A 0, B 1, C 2) (A 0, B 1, C 2, D 3));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_is_loaded_and_a_cut_or_a_lie_is_refused() {
        let value = (vec![Some(-1_i64), None], [1.5_f64, -0.0], BTreeMap::from([(1_u8, true)]));
        let mut bytes = Vec::new();
        value.save(&mut bytes);
        type Kind = (Vec<Option<i64>>, [f64; 2], BTreeMap<u8, bool>);
        let mut reader = Reader::new(&bytes);
        assert_eq!(Kind::load(&mut reader), Ok(value));
        assert_eq!(reader.end(), Ok(()));
        for cut in 0..bytes.len() {
            assert!(Kind::load(&mut Reader::new(&bytes[..cut])).is_err());
        }
        let mut lie = bytes.clone();
        lie[7] = 255;
        assert!(Kind::load(&mut Reader::new(&lie)).is_err());
    }
}
