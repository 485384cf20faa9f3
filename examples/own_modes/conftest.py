"""The modes of this project: each calls Python from a thread of another native library."""

pytest_plugins = ["glib_mode", "cpp_mode", "cython_mode", "rust_mode", "qt_mode"]
