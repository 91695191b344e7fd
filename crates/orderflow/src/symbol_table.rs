//! Symbols by name, for a look-up a frame: case does not matter, since streams are named in lower case.

use crate::scan::Scale;

/// One instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instrument {
    /// The venue's name of it.
    pub symbol: String,
    /// Decimals of its prices and quantities.
    pub scale: Scale,
}

/// Instruments, found by a hash of their names.
#[derive(Clone, Debug)]
pub(crate) struct SymbolTable {
    instruments: Vec<Instrument>,
    /// Index + 1 of the instrument in each slot, 0 where free; a power of two of them, at most half full.
    slots: Vec<u32>,
}

impl SymbolTable {
    /// Returns the table, or the first symbol that is given twice.
    pub fn new(instruments: Vec<Instrument>) -> Result<Self, String> {
        let size = (instruments.len() * 2 + 1).next_power_of_two();
        let mut table = Self { instruments: Vec::new(), slots: vec![0; size] };
        for instrument in instruments {
            let name = instrument.symbol.as_bytes();
            if table.find(name).is_some() {
                return Err(format!("symbol {} is given twice", instrument.symbol));
            }
            let slot = table.slot(name);
            table.instruments.push(instrument);
            if let Some(slot) = table.slots.get_mut(slot) {
                *slot = table.instruments.len() as u32;
            }
        }
        Ok(table)
    }

    /// Returns all instruments in their order.
    pub fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    /// Returns the index of a symbol.
    pub fn find(&self, name: &[u8]) -> Option<usize> {
        (*self.slots.get(self.slot(name))? as usize).checked_sub(1)
    }

    /// Returns the slot that holds a name, or the free one where it belongs.
    fn slot(&self, name: &[u8]) -> usize {
        // FNV-1a: names are short, and the table is made once from a trusted list.
        let hash = name.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3)
        });
        let mask = self.slots.len() - 1;
        let mut at = (hash ^ (hash >> 32)) as usize & mask;
        loop {
            let index = match self.slots.get(at) {
                Some(index) if *index > 0 => *index as usize - 1,
                _ => return at,
            };
            let held = self.instruments.get(index).map_or("", |found| &found.symbol);
            if held.as_bytes().eq_ignore_ascii_case(name) {
                return at;
            }
            at = (at + 1) & mask;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_found_in_either_case() {
        let scale = Scale { price_decimals: 1, qty_decimals: 1 };
        let names: Vec<String> = (0..500).map(|at| format!("S{at}USDT")).collect();
        let of = |names: &[String]| {
            names.iter().map(|name| Instrument { symbol: name.clone(), scale }).collect::<Vec<_>>()
        };
        let table = SymbolTable::new(of(&names)).unwrap();
        for (at, name) in names.iter().enumerate() {
            assert_eq!(table.find(name.to_lowercase().as_bytes()), Some(at));
        }
        assert_eq!(table.find(b"S500USDT"), None);
        assert_eq!(table.find(b""), None);
        let twice = SymbolTable::new(of(&["A".to_owned(), "a".to_owned()]));
        assert_eq!(twice.unwrap_err(), "symbol a is given twice");
    }
}
