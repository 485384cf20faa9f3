// Calls a Python function on a std::thread, as a C++ library calls its listeners.

#include <pybind11/pybind11.h>

#include <thread>
#include <utility>

namespace py = pybind11;

void call_on_thread(py::function function) {
    // Whoever drops the last reference has to hold the GIL: so the thread owns this one.
    auto *owned = new py::function(std::move(function));
    std::thread([owned] {
        py::gil_scoped_acquire gil;
        (*owned)();
        delete owned;
    }).detach();
}

PYBIND11_MODULE(cpp_threads, module) {
    module.def("call_on_thread", &call_on_thread);
}
