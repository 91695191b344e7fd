//! A JSON scanner over the bytes of one line: it moves forward only, copies nothing, and stops at the line's end.

use crate::event::Level;
use crate::message::Numbers;

/// 10^0 … 10^18.
pub(crate) const POW10: [i64; 19] = {
    let mut table = [1_i64; 19];
    let mut at = 1;
    while at < 19 {
        table[at] = table[at - 1] * 10;
        at += 1;
    }
    table
};

/// Decimals of prices (p) and quantities (q).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// p: prices are integers of 10^-p.
    pub price_decimals: u32,
    /// q: quantities are integers of 10^-q.
    pub qty_decimals: u32,
}

/// A decimal as written: `mantissa` × 10^-`decimals`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    pub mantissa: i64,
    pub decimals: u32,
}

impl Decimal {
    /// Returns the number as an integer of 10^-`decimals`, or what is wrong with it.
    pub fn scaled(self, decimals: u32) -> Result<i64, String> {
        if self.decimals == decimals {
            return Ok(self.mantissa);
        }
        if self.decimals > decimals {
            return Err(format!(
                "has {} decimals, the first bookTicker has {decimals}",
                self.decimals
            ));
        }
        POW10
            .get((decimals - self.decimals) as usize)
            .and_then(|factor| self.mantissa.checked_mul(*factor))
            .ok_or_else(|| format!("is too large for {decimals} decimals"))
    }
}

/// Parses `-?digits[.digits]`, at most 18 digits.
pub(crate) fn decimal(text: &[u8]) -> Option<Decimal> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let mut mantissa = 0_i64;
    let mut point = None;
    for (at, byte) in digits.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(i64::from(digit));
        } else if *byte == b'.' && point.is_none() && at > 0 {
            point = Some(at);
        } else {
            return None;
        }
    }
    let decimals = point.map_or(0, |at| digits.len() - at - 1);
    let count = digits.len() - usize::from(point.is_some());
    if count == 0 || count > 18 || (point.is_some() && decimals == 0) {
        return None;
    }
    let mantissa = if negative { -mantissa } else { mantissa };
    Some(Decimal { mantissa, decimals: decimals as u32 })
}

/// Shows a value in an error, cut to 40 bytes.
pub(crate) fn shown(text: &[u8]) -> String {
    let cut = text.get(..40).unwrap_or(text);
    String::from_utf8_lossy(cut).into_owned()
}

/// Returns how many bytes stand before the first quote, backslash or line end: eight are looked at together.
#[inline]
fn plain_len(text: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    // The lowest byte that is marked is a zero byte; marks above it may be wrong.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
    let (words, _) = text.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let stop = |byte: u8| zeros(word ^ (ONES * u64::from(byte)));
        let found = stop(b'"') | stop(b'\\') | stop(b'\n');
        if found != 0 {
            return at * 8 + (found.trailing_zeros() / 8) as usize;
        }
    }
    let tail = words.len() * 8;
    let rest = text.get(tail..).unwrap_or(&[]);
    let stop = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | b'\n'));
    tail + stop.unwrap_or(rest.len())
}

/// A cursor over one or more lines; `\n` ends every value.
pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Returns how many bytes have been read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Returns a cursor of its own over the same bytes, from a place read before.
    pub fn from(&self, at: usize) -> Self {
        Self { bytes: self.bytes, at }
    }

    /// Skips spaces and returns the byte that a value begins with.
    pub fn peek_value(&mut self) -> u8 {
        let byte = self.peek();
        if matches!(byte, b' ' | b'\t' | b'\r') {
            self.skip_space();
            return self.peek();
        }
        byte
    }

    /// Reads an object and hands each key to `read`, which takes its value.
    pub fn each_field(
        &mut self,
        mut read: impl FnMut(&mut Self, &'a [u8]) -> Result<(), String>,
    ) -> Result<(), String> {
        self.expect(b'{')?;
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            let key = self.key()?;
            read(self, key)?;
            if !self.take(b',') {
                return self.expect(b'}');
            }
        }
    }

    /// Reads an array and lets `read` take each of its values.
    pub fn each_value(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<(), String>,
    ) -> Result<(), String> {
        self.expect(b'[')?;
        if self.take(b']') {
            return Ok(());
        }
        loop {
            read(self)?;
            if !self.take(b',') {
                return self.expect(b']');
            }
        }
    }

    /// Returns the next byte, `\n` at the end.
    pub fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(b'\n')
    }

    /// Skips spaces inside the line.
    pub fn skip_space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\r') {
            self.at += 1;
        }
    }

    /// Skips spaces, then the byte if it is next.
    pub fn take(&mut self, byte: u8) -> bool {
        if self.peek() == byte {
            self.at += 1;
            return true;
        }
        self.skip_space();
        let found = self.peek() == byte;
        self.at += usize::from(found);
        found
    }

    /// Requires the byte.
    pub fn expect(&mut self, byte: u8) -> Result<(), String> {
        if self.take(byte) { Ok(()) } else { Err(self.unexpected(byte)) }
    }

    #[cold]
    fn unexpected(&self, wanted: u8) -> String {
        let wanted = char::from(wanted);
        match self.bytes.get(self.at) {
            None | Some(b'\n') => format!("the line ends where {wanted:?} should be"),
            Some(found) => format!("{:?} stands where {wanted:?} should be", char::from(*found)),
        }
    }

    /// Reads a run of digits.
    pub fn digits(&mut self) -> &'a [u8] {
        self.run(|byte| byte.is_ascii_digit())
    }

    fn run(&mut self, keep: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.bytes.get(self.at..).unwrap_or(&[]);
        let len = rest.iter().position(|byte| !keep(*byte)).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    /// Reads a string and returns what is between the quotes, escapes untouched.
    #[inline]
    pub fn string(&mut self) -> Result<&'a [u8], String> {
        if self.peek() != b'"' {
            self.expect(b'"')?;
        } else {
            self.at += 1;
        }
        let start = self.at;
        let rest = self.bytes.get(start..).unwrap_or(&[]);
        let len = plain_len(rest);
        if rest.get(len) == Some(&b'"') {
            self.at = start + len + 1;
            return Ok(rest.get(..len).unwrap_or(&[]));
        }
        self.string_with_escapes(start)
    }

    #[cold]
    fn string_with_escapes(&mut self, start: usize) -> Result<&'a [u8], String> {
        loop {
            match self.peek() {
                b'"' => {
                    self.at += 1;
                    return Ok(self.bytes.get(start..self.at - 1).unwrap_or(&[]));
                }
                b'\\' if self.bytes.get(self.at + 1) != Some(&b'\n') => self.at += 2,
                b'\n' | b'\\' => return Err("the line ends inside a string".to_owned()),
                _ => self.at += 1,
            }
        }
    }

    /// Reads a key and its colon.
    #[inline]
    pub fn key(&mut self) -> Result<&'a [u8], String> {
        // Most keys are one letter: `"x":`.
        if let Some([b'"', letter, b'"', b':']) = self.bytes.get(self.at..self.at + 4)
            && *letter != b'\\'
            && *letter != b'"'
        {
            let key = self.bytes.get(self.at + 1..self.at + 2).unwrap_or(&[]);
            self.at += 4;
            return Ok(key);
        }
        let key = self.string()?;
        self.expect(b':')?;
        Ok(key)
    }

    /// Reads a string, number, `true`, `false` or `null` and returns its text without quotes.
    pub fn scalar(&mut self) -> Result<&'a [u8], String> {
        self.skip_space();
        if self.peek() == b'"' {
            return self.string();
        }
        let text = self.run(|byte| {
            byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-' || byte == b'+'
        });
        if text.is_empty() { Err(self.unexpected(b'"')) } else { Ok(text) }
    }

    /// Skips any value.
    pub fn skip_value(&mut self) -> Result<(), String> {
        self.skip_space();
        if !matches!(self.peek(), b'{' | b'[') {
            return self.scalar().map(|_| ());
        }
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                b'\n' => return Err("the line ends inside an object or array".to_owned()),
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// Reads `[["price","qty"],…]` and appends the levels.
    pub fn levels(&mut self, numbers: Numbers, out: &mut Vec<Level>) -> Result<(), String> {
        let Numbers { scale, strict } = numbers;
        self.expect(b'[')?;
        if self.take(b']') {
            return Ok(());
        }
        loop {
            self.expect(b'[')?;
            let price = self.number("price", scale.price_decimals, strict)?;
            self.expect(b',')?;
            let qty = self.number("quantity", scale.qty_decimals, strict)?;
            // Some streams append members that say nothing about the level.
            while !self.take(b']') {
                self.expect(b',')?;
                self.skip_value()?;
            }
            if price <= 0 {
                return Err(format!(
                    "level price {price}e-{} is not above 0",
                    scale.price_decimals
                ));
            }
            if qty < 0 {
                return Err(format!("level quantity {qty}e-{} is below 0", scale.qty_decimals));
            }
            out.push(Level { price, qty });
            if !self.take(b',') {
                return self.expect(b']');
            }
        }
    }

    fn number(&mut self, name: &str, decimals: u32, strict: bool) -> Result<i64, String> {
        self.expect(b'"')?;
        let start = self.at;
        let mut mantissa = 0_i64;
        // The usual shape, digits.digits with all decimals written, in one pass.
        let whole = self.digits_into(&mut mantissa);
        let mut fraction = 0;
        if whole > 0 && self.peek() == b'.' {
            self.at += 1;
            fraction = self.digits_into(&mut mantissa);
        }
        if self.peek() == b'"'
            && fraction == decimals as usize
            && whole > 0
            && whole + fraction <= 18
        {
            let written_point = self.at - start > whole;
            if written_point == (fraction > 0) {
                self.at += 1;
                return Ok(mantissa);
            }
        }
        self.at = start - 1;
        let text = self.string()?;
        let value = if strict { scaled(text, decimals) } else { scaled_loose(text, decimals) };
        value.map_err(|what| format!("level {name} \"{}\" {what}", shown(text)))
    }

    fn digits_into(&mut self, mantissa: &mut i64) -> usize {
        let start = self.at;
        loop {
            let digit = self.peek().wrapping_sub(b'0');
            if digit >= 10 {
                return self.at - start;
            }
            *mantissa = mantissa.wrapping_mul(10).wrapping_add(i64::from(digit));
            self.at += 1;
        }
    }
}

/// Parses a decimal into an integer of 10^-`decimals`, or says what is wrong with it.
pub(crate) fn scaled(text: &[u8], decimals: u32) -> Result<i64, String> {
    decimal(text).ok_or_else(|| "is not a number".to_owned())?.scaled(decimals)
}

/// Parses a decimal as [`scaled`] does, and also takes zeros beyond the scale: spot writes eight decimals everywhere.
pub(crate) fn scaled_loose(text: &[u8], decimals: u32) -> Result<i64, String> {
    let mut text = text;
    if let Some(point) = text.iter().position(|byte| *byte == b'.') {
        while let Some((b'0', head)) = text.split_last()
            && head.len() > point + decimals as usize
        {
            text = head;
        }
        if let Some((b'.', head)) = text.split_last() {
            text = head;
        }
    }
    let number = decimal(text).ok_or_else(|| "is not a number".to_owned())?;
    if number.decimals > decimals {
        return Err(format!("has {} decimals, the instrument has {decimals}", number.decimals));
    }
    number.scaled(decimals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_keeps_its_digits() {
        let cases: [(&str, Option<(i64, u32)>); 10] = [
            ("61800.20", Some((6_180_020, 2))),
            ("-1", Some((-1, 0))),
            ("0.000", Some((0, 3))),
            ("1.", None),
            (".5", None),
            ("1e5", None),
            ("NaN", None),
            ("", None),
            ("1.2.3", None),
            ("1234567890123456789", None),
        ];
        for (text, wanted) in cases {
            let wanted = wanted.map(|(mantissa, decimals)| Decimal { mantissa, decimals });
            assert_eq!(decimal(text.as_bytes()), wanted, "{text}");
        }
    }

    #[test]
    fn fewer_decimals_are_filled_and_more_are_refused() {
        assert_eq!(scaled(b"5", 3), Ok(5000));
        assert!(scaled(b"5.0001", 3).unwrap_err().contains("has 4 decimals"));
        assert!(scaled(b"999999999999999999", 3).unwrap_err().contains("too large"));
        let loose =
            [("5.25000000", Ok(5_250)), ("100000000000000.00000000", Ok(100_000_000_000_000_000))];
        for (text, wanted) in loose {
            assert_eq!(scaled_loose(text.as_bytes(), 3), wanted, "{text}");
        }
        assert_eq!(scaled_loose(b"7.000", 0), Ok(7));
        assert!(scaled_loose(b"5.25010000", 3).unwrap_err().contains("the instrument has 3"));
    }

    #[test]
    fn levels_take_every_spelling() {
        let scale = Scale { price_decimals: 2, qty_decimals: 3 };
        let numbers = Numbers { scale, strict: true };
        let mut out = Vec::new();
        let text = br#" [ ["1.50","0.010"], ["2","7"],["3.1","0",[]]]"#;
        Scanner::new(text).levels(numbers, &mut out).unwrap();
        let pairs: Vec<_> = out.iter().map(|level| (level.price, level.qty)).collect();
        assert_eq!(pairs, [(150, 10), (200, 7000), (310, 0)]);
        for bad in
            [r#"[["1.555","1"]]"#, r#"[["0","1"]]"#, r#"[["1","-1"]]"#, r#"[["1""#, "[1]", "[]x["]
        {
            let mut scanner = Scanner::new(bad.as_bytes());
            let ended = scanner.levels(numbers, &mut Vec::new()).is_ok() && scanner.peek() == b'\n';
            assert!(!ended, "{bad}");
        }
    }
}
