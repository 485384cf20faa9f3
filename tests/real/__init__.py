"""Test suites of well-known packages, and of CPython itself, in each mode: `make real`."""
