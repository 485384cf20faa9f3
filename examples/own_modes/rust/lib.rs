//! Calls a Python function on a thread of std::thread, as a Rust library calls its listeners.

use pyo3::prelude::*;

#[pyfunction]
fn call_on_thread(function: Py<PyAny>) {
    std::thread::spawn(move || {
        Python::attach(|python| {
            if let Err(error) = function.call0(python) {
                error.write_unraisable(python, None);
            }
            drop(function); // the last reference is dropped while the thread holds the GIL
        });
    });
}

#[pymodule]
fn pyo3_threads(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(call_on_thread, module)?)
}
