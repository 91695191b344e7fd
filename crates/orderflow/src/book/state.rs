//! Saving and loading of a book.

use super::Book;
use crate::error::Error;
use crate::event::Level;
use crate::state::{Reader, State, Writer};

impl State for Book {
    fn save(&self, out: &mut Writer) {
        self.bids().collect::<Vec<_>>().save(out);
        self.asks().collect::<Vec<_>>().save(out);
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Error> {
        let (bids, asks) = <(Vec<Level>, Vec<Level>)>::load(from)?;
        let mut book = Self::default();
        book.apply(&bids, &asks);
        Ok(book)
    }
}
