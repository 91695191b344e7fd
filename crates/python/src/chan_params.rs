//! Parameters of a Chan engine from Python, and its errors for Python.

use ::chan::{ChanError, Params};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyString};

/// The parameters of a preset with single ones set on top.
pub fn read_params(preset: &str, params: Option<&Bound<'_, PyDict>>) -> PyResult<Params> {
    Params::with(preset, &read_settings(params)?).map_err(to_py)
}

/// Keys and values as they are written on a command line.
pub fn read_settings(params: Option<&Bound<'_, PyDict>>) -> PyResult<Vec<(String, String)>> {
    let Some(params) = params else { return Ok(Vec::new()) };
    let setting = |(key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
        let Ok(key) = key.cast::<PyString>() else {
            return Err(PyTypeError::new_err("params: a key must be a str"));
        };
        let value = match value.cast::<PyBool>() {
            Ok(truth) => truth.is_true().to_string(),
            Err(_) if value.is_none() => "none".to_owned(),
            Err(_) => value.str()?.to_string(),
        };
        Ok((key.to_cow()?.into_owned(), value))
    };
    params.iter().map(setting).collect()
}

/// An error of the core as a ValueError.
pub fn to_py(error: ChanError) -> PyErr {
    PyValueError::new_err(error.to_string())
}
