//! Many series through the Chan engine, side by side in threads.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use ::chan::{Bar, ChanError, Engine, LevelKind, Params, Point};
use numpy::{IntoPyArray, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::chan_params::{read_params, to_py};

/// ts_ms, open, high, low, close of one series, as Python gives them.
type Columns<'py> = (
    PyReadonlyArray1<'py, i64>,
    PyReadonlyArray1<'py, f64>,
    PyReadonlyArray1<'py, f64>,
    PyReadonlyArray1<'py, f64>,
    PyReadonlyArray1<'py, f64>,
);

/// The same, as the threads read it.
struct Series<'a> {
    ts_ms: &'a [i64],
    prices: [&'a [f64]; 4],
}

impl Series<'_> {
    fn bar(&self, at: usize) -> Bar {
        let [open, high, low, close] = self.prices.map(|column| column[at]);
        Bar { ts_ms: self.ts_ms[at], open, high, low, close, volume: 0.0, amount: 0.0 }
    }
}

/// How often the calling thread asks Python whether somebody pressed Ctrl-C.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// After how many bars a thread looks whether it should stop: a fraction of a millisecond.
const LOOK_EVERY_BARS: usize = 4096;

/// A point of one series.
struct Found {
    series: usize,
    bars: usize,
    level: LevelKind,
    point: Point,
}

type Outcome = Result<Vec<Found>, (usize, ChanError)>;

/// Reads one series; once `stop` is set, a shorter one that nobody will look at.
fn read(
    series: &Series<'_>,
    index: usize,
    params: Params,
    fresh: Option<usize>,
    stop: &AtomicBool,
) -> Outcome {
    let goes_on = |at: &usize| !at.is_multiple_of(LOOK_EVERY_BARS) || !stop.load(Ordering::Relaxed);
    let bars = (0..series.ts_ms.len()).take_while(goes_on).map(|at| series.bar(at));
    let engine = Engine::batch(params, bars).map_err(|fault| (index, fault))?;
    let bars = engine.bar_count();
    let oldest = fresh.map_or(0, |fresh| bars.saturating_sub(fresh));
    let mut found = Vec::new();
    for level in [LevelKind::Stroke, LevelKind::Segment] {
        let fresh = engine.points(level).filter(|point| point.bar >= oldest);
        found.extend(fresh.map(|point| Found { series: index, bars, level, point }));
    }
    Ok(found)
}

/// Reads all series in `threads`; an error of `interrupted`, which is asked meanwhile, stops them and is returned.
fn read_all<E>(
    all: &[Series<'_>],
    params: Params,
    fresh: Option<usize>,
    threads: usize,
    interrupted: impl Fn() -> Result<(), E>,
) -> Result<Vec<Outcome>, E> {
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let work = || {
        let mut done = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(series) = all.get(index) else { break };
            done.push((index, read(series, index, params, fresh, &stop)));
        }
        done
    };
    let mut outcomes: Vec<(usize, Outcome)> = thread::scope(|scope| {
        // A sender that is dropped says that its thread is through, however it ended.
        let (alive, all_through) = mpsc::channel::<()>();
        let work = &work;
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                let alive = alive.clone();
                scope.spawn(move || {
                    let _alive = alive;
                    work()
                })
            })
            .collect();
        drop(alive);
        while let Err(RecvTimeoutError::Timeout) = all_through.recv_timeout(ASK_EVERY) {
            if let Err(fault) = interrupted() {
                stop.store(true, Ordering::Relaxed);
                return Err(fault);
            }
        }
        Ok(workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect())
    })?;
    outcomes.sort_by_key(|(index, _)| *index);
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

/// Reads every series and returns the points shown after its last bar.
#[pyfunction]
#[pyo3(signature = (series, preset = "default", params = None, fresh_bars = None, threads = 1))]
fn chan_scan<'py>(
    py: Python<'py>,
    series: Vec<Columns<'py>>,
    preset: &str,
    params: Option<&Bound<'py, PyDict>>,
    fresh_bars: Option<usize>,
    threads: usize,
) -> PyResult<Bound<'py, PyDict>> {
    let params = read_params(preset, params)?;
    params.upper.check_columns(false, false).map_err(to_py)?;
    let mut all = Vec::with_capacity(series.len());
    for (index, (ts_ms, open, high, low, close)) in series.iter().enumerate() {
        let ts_ms = ts_ms.as_slice()?;
        let prices = [open.as_slice()?, high.as_slice()?, low.as_slice()?, close.as_slice()?];
        if prices.iter().any(|column| column.len() != ts_ms.len()) {
            return Err(PyValueError::new_err(format!("series {index}: columns differ in length")));
        }
        all.push(Series { ts_ms, prices });
    }
    let threads = threads.clamp(1, all.len().max(1));
    let asked = || Python::attach(|py| py.check_signals());
    let outcomes = py.detach(|| read_all(&all, params, fresh_bars, threads, asked))?;
    let read = outcomes.len();
    let (mut found, mut failed) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        match outcome {
            Ok(points) => found.extend(points),
            Err((index, fault)) => failed.push((index, fault.to_string())),
        }
    }
    if read != all.len() {
        return Err(PyValueError::new_err("a thread of the scan died: its series are missing"));
    }
    let columns = PyDict::new(py);
    let ints = |of: fn(&Found) -> i64| found.iter().map(of).collect::<Vec<i64>>().into_pyarray(py);
    let bytes = |of: fn(&Found) -> u8| found.iter().map(of).collect::<Vec<u8>>().into_pyarray(py);
    let floats =
        |of: fn(&Found) -> f64| found.iter().map(of).collect::<Vec<f64>>().into_pyarray(py);
    columns.set_item("series", ints(|f| f.series as i64))?;
    columns.set_item("bars_ago", ints(|f| (f.bars - 1 - f.point.bar) as i64))?;
    columns.set_item("level", bytes(|f| f.level.code()))?;
    columns.set_item("element", ints(|f| f.point.element as i64))?;
    columns.set_item("bar", ints(|f| f.point.bar as i64))?;
    columns.set_item("ts_ms", ints(|f| f.point.ts_ms))?;
    columns.set_item("price", floats(|f| f.point.price))?;
    columns.set_item("side", ints(|f| i64::from(f.point.side.sign())))?;
    columns.set_item("types", bytes(|f| f.point.types.bits()))?;
    columns.set_item("confirmed_types", bytes(|f| f.point.confirmed.bits()))?;
    columns.set_item("divergence", floats(|f| f.point.divergence.unwrap_or(f64::NAN)))?;
    columns.set_item("failed", failed)?;
    Ok(columns)
}

/// Adds this room's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(chan_scan, module)?)?;
    Ok(())
}
