//! What stands before the JSON on a line: the receive time, ours in ns or cryptofeed's in seconds.
//!
//! Ours: `<recv_ns> <json>`. cryptofeed's: `<recv s>: <json>` from a socket and `<url> -> <recv s>: <json>` for a reply, between
//! lines that only tell of connecting and subscribing.

use crate::scan::Scanner;

/// The head of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head<'a> {
    /// Nothing for us, and its length without the line's end.
    Remark(usize),
    /// A frame: its receive time, where the JSON begins, and the symbol that a requested URL names.
    Frame { known_ns: i64, at: usize, symbol: &'a [u8] },
}

/// Reads the head of the line at the start of `text`.
pub(crate) fn read_head(text: &[u8]) -> Result<Head<'_>, String> {
    let mut whole = 0_i64;
    let mut at = 0;
    while let Some(digit) = text.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|d| *d < 10) {
        whole = whole.wrapping_mul(10).wrapping_add(i64::from(digit));
        at += 1;
    }
    // 19 digits may pass the largest time, 9.2e18 ns in the year 2262; some days before it sums would.
    if whole > 0 && (1..=18).contains(&at) || (at == 19 && text < b"9200000000000000000".as_slice())
    {
        match text.get(at) {
            Some(b' ') => return Ok(Head::Frame { known_ns: whole, at: at + 1, symbol: &[] }),
            Some(b'.' | b':') if at <= 10 => return read_seconds(text, 0, &[]),
            _ => return Err("no space stands after the receive time".to_owned()),
        }
    }
    match text.first() {
        None | Some(b'#' | b'\n' | b'\r') => Ok(Head::Remark(line_len(text))),
        Some(b'h' | b'w' | b'c') => read_url(text),
        _ => Err("the line does not begin with a receive time in ns".to_owned()),
    }
}

fn line_len(text: &[u8]) -> usize {
    text.iter().position(|byte| *byte == b'\n').unwrap_or(text.len())
}

/// Reads a cryptofeed line that names a URL.
fn read_url(text: &[u8]) -> Result<Head<'_>, String> {
    let line = text.get(..line_len(text)).unwrap_or(text);
    let starts = |prefix: &[u8]| line.starts_with(prefix);
    if !(starts(b"https://") || starts(b"wss://") || starts(b"configuration: ")) {
        return Err("the line does not begin with a receive time in ns".to_owned());
    }
    // A reply's URL ends at the first space; requests (`<-`) and connections (`<->`) carry no market data.
    let Some(end) = line.iter().position(|byte| *byte == b' ') else {
        return Ok(Head::Remark(line.len()));
    };
    if line.get(end..end + 4) != Some(b" -> ") {
        return Ok(Head::Remark(line.len()));
    }
    let query = line.get(..end).unwrap_or(&[]);
    let symbol = query
        .split(|byte| matches!(byte, b'?' | b'&'))
        .find_map(|part| part.strip_prefix(b"symbol="))
        .unwrap_or(&[]);
    if symbol.is_empty() {
        return Ok(Head::Remark(line.len()));
    }
    read_seconds(text, end + 4, symbol)
}

/// Reads `<seconds>[.<fraction>]: ` from `at`.
fn read_seconds<'a>(text: &'a [u8], at: usize, symbol: &'a [u8]) -> Result<Head<'a>, String> {
    let mut scanner = Scanner::new(text).from(at);
    let fault = || "the line does not begin with a receive time in seconds".to_owned();
    let mut known_ns = 0_i64;
    let seconds = scanner.digits();
    if seconds.is_empty() || seconds.len() > 10 {
        return Err(fault());
    }
    for byte in seconds {
        known_ns = known_ns * 10 + i64::from(byte - b'0');
    }
    let mut places = 0;
    if scanner.peek() == b'.' {
        scanner = scanner.from(scanner.position() + 1);
        for byte in scanner.digits().iter().take(9) {
            known_ns = known_ns.checked_mul(10).ok_or_else(fault)? + i64::from(byte - b'0');
            places += 1;
        }
    }
    for _ in places..9 {
        known_ns = known_ns.checked_mul(10).ok_or_else(fault)?;
    }
    if scanner.peek() != b':' || known_ns == 0 {
        return Err(fault());
    }
    Ok(Head::Frame { known_ns, at: scanner.position() + 1, symbol })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_kinds_of_line_have_a_head() {
        let frame = |known_ns, at, symbol: &'static str| {
            Ok(Head::Frame { known_ns, at, symbol: symbol.as_bytes() })
        };
        let ours = "1723161256172216566 {}\n";
        assert_eq!(read_head(ours.as_bytes()), frame(1_723_161_256_172_216_566, 20, ""));
        let socket = "1626992741.06217: {}\n";
        assert_eq!(read_head(socket.as_bytes()), frame(1_626_992_741_062_170_000, 17, ""));
        let reply = "https://h/depth?symbol=XYZ&limit=5 -> 1626992741.5: {}";
        assert_eq!(read_head(reply.as_bytes()), frame(1_626_992_741_500_000_000, 51, "XYZ"));
        for remark in
            ["# closed\n", "\n", "wss://h/stream <-> 1626992740.1\n", "https://h/time -> 1.5: {}\n"]
        {
            assert_eq!(
                read_head(remark.as_bytes()),
                Ok(Head::Remark(remark.len() - 1)),
                "{remark}"
            );
        }
        for bad in ["{}", "0 {}", "12x {}", "1.5 {}", "9999999999999999999 {}", "hello"] {
            assert!(read_head(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
