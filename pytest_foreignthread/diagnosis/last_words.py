"""Causes of an abort(), by what the runtime of C, C++ or Rust wrote before it."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from ..model.observation import Exited
from ..model.records import Diagnosis
from .case import Case


class _Kind(NamedTuple):
    words: re.Pattern[str]
    text: str
    help: str


_THROWN: Final = (
    "catch it in the C++ function that is called from outside, and make it an exception of the caller's language: "
    "pybind11 does that, and Cython's `except +`; the function of a std::thread, a callback from C and a destructor "
    "need a try block of their own"
)
# A narrower kind comes before a wider one. The words are those of glibc, libstdc++, LLVM's libc++, Qt and Rust's
# library.
_KINDS: Final = (
    _Kind(
        re.compile(
            r"^terminate called after throwing an instance of '[^\n]{1,500}'(?:\n {2}what\(\):  .{0,500})?", re.M
        ),
        "a C++ exception left the code that could have caught it",
        _THROWN,
    ),
    _Kind(
        re.compile(r"^libc\+\+abi: terminating (?:due to|with) uncaught exception of type .{1,500}", re.M),
        "a C++ exception left the code that could have caught it",
        _THROWN,
    ),
    _Kind(
        re.compile(r"^(?:pure virtual method called|libc\+\+abi: Pure virtual function called!)$", re.M),
        "C++ called a method of an object that is not yet made, or already destroyed",
        "end the threads and callbacks that use an object before its destructor runs; call no virtual method in a "
        "constructor or a destructor",
    ),
    _Kind(
        re.compile(
            r"^(?:terminate called (?:without an active exception|recursively)|libc\+\+abi: terminating)$", re.M
        ),
        "C++ called std::terminate",
        "join or detach each std::thread before its object is destroyed; let no exception leave a destructor or a "
        "function that is noexcept",
    ),
    _Kind(
        re.compile(r"^.{1,600}: Assertion `.{1,300}' failed\.?$", re.M),
        "an assertion in C code failed",
        "look at the line that the words name: a rule of that library was broken, by its arguments, by the order of "
        "the calls, or by the thread that they come from",
    ),
    _Kind(
        re.compile(r"^QThread: Destroyed while thread .{0,200} is still running$", re.M),
        "Qt destroyed a QThread whose thread still ran",
        "end the thread and wait for it (quit(), wait()) before the last reference to the QThread goes",
    ),
    _Kind(
        re.compile(r'^ASSERT: ".{1,300}" in file .{1,300}, line [0-9]{1,9}$', re.M),
        "an assertion of Qt failed",
        "look at the line that the words name: a rule of Qt was broken, often by a call from another thread than the "
        "one to which the object belongs",
    ),
    _Kind(
        re.compile(r"^(?:thread caused non-unwinding panic\. aborting\.|fatal runtime error: .{1,300})$", re.M),
        "Rust code panicked where a panic must not leave a function",
        "catch it (std::panic::catch_unwind) in the function that C, Java or Python calls; PyO3 does that for its own",
    ),
)


def aborted(case: Case) -> Diagnosis | None:
    """Find the words of a runtime that ended the process by abort().

    Proof is that the child died of SIGABRT. Another process of the test may write to the same stderr: a child that
    exited has not died of what the words say.
    """
    if case.signal != "SIGABRT" or isinstance(case.observation.end, Exited):
        return None
    for words, text, advice in _KINDS:
        if found := list(words.finditer(case.evidence.stderr)):
            return Diagnosis("aborted", text, advice, (f"it wrote: {' '.join(found[-1][0].split())}",))
    return None
