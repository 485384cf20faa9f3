# Calls a Python function on a thread of pthread_create, as a C library calls its listeners.

from cpython.ref cimport Py_DECREF, Py_INCREF

cdef extern from "pthread.h":
    ctypedef unsigned long pthread_t
    int pthread_create(pthread_t *, const void *, void *(*)(void *) noexcept nogil, void *)
    int pthread_detach(pthread_t)


cdef void *run(void *argument) noexcept with gil:
    # An exception that leaves this function is printed and dropped.
    function = <object>argument
    Py_DECREF(function)  # the reference of call_on_thread; the name `function` has one of its own
    function()
    return NULL


def call_on_thread(function):
    cdef pthread_t thread
    Py_INCREF(function)  # C keeps a pointer only
    if pthread_create(&thread, NULL, run, <void *>function):
        Py_DECREF(function)
        raise OSError("pthread_create made no thread")
    pthread_detach(thread)
