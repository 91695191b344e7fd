//! What the lake asks for a row at a time, a column at a time.

use numpy::PyReadonlyArray1;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use sha2::{Digest, Sha256};

/// Bytes of the digest that name a row, and the characters they take in hex.
const ID_BYTES: usize = 16;
const ID_CHARS: usize = 2 * ID_BYTES;
const HEX: &[u8; 16] = b"0123456789abcdef";

/// Returns the id of every row: the first 16 bytes of SHA-256 of `venue:symbol:kind:seq_last:ts_ms`, as 32 hex
/// characters a row, one after another.
///
/// `kind` holds positions in `kinds`; a negative `seq_last` is absent and leaves its place in the text empty.
/// Raises ValueError when the columns differ in length or a kind has no name.
#[pyfunction]
fn row_ids<'py>(
    py: Python<'py>,
    venue: &str,
    symbol: &str,
    kinds: Vec<String>,
    kind: PyReadonlyArray1<'py, u8>,
    seq_last: PyReadonlyArray1<'py, i64>,
    ts_ms: PyReadonlyArray1<'py, i64>,
) -> PyResult<Bound<'py, PyBytes>> {
    let (kind, seq_last, ts_ms) = (kind.as_slice()?, seq_last.as_slice()?, ts_ms.as_slice()?);
    if kind.len() != seq_last.len() || kind.len() != ts_ms.len() {
        return Err(PyValueError::new_err(format!(
            "columns differ in length: kind has {}, seq_last {}, ts_ms {}",
            kind.len(),
            seq_last.len(),
            ts_ms.len()
        )));
    }
    if let Some(unnamed) = kind.iter().find(|code| usize::from(**code) >= kinds.len()) {
        return Err(PyValueError::new_err(format!(
            "kind {unnamed} has no name, there are {}",
            kinds.len()
        )));
    }
    let heads: Vec<String> = kinds.iter().map(|name| format!("{venue}:{symbol}:{name}:")).collect();
    let text = py.detach(|| ids(&heads, kind, seq_last, ts_ms));
    Ok(PyBytes::new(py, &text))
}

fn ids(heads: &[String], kind: &[u8], seq_last: &[i64], ts_ms: &[i64]) -> Vec<u8> {
    let mut text = Vec::with_capacity(kind.len() * ID_CHARS);
    let mut key = String::new();
    for ((code, seq), ts) in kind.iter().zip(seq_last).zip(ts_ms) {
        key.clear();
        if let Some(head) = heads.get(usize::from(*code)) {
            key.push_str(head);
        }
        if *seq >= 0 {
            key.push_str(&seq.to_string());
        }
        key.push(':');
        key.push_str(&ts.to_string());
        for byte in &Sha256::digest(key.as_bytes())[..ID_BYTES] {
            text.push(HEX[usize::from(byte >> 4)]);
            text.push(HEX[usize::from(byte & 15)]);
        }
    }
    text
}

/// Adds this room's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(row_ids, module)?)
}
