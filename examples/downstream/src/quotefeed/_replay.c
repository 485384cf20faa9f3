/* Replays recorded quotes: a thread of this module calls Python once for each of them. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <pthread.h>

typedef struct {
    pthread_t thread;
    int is_joined;
    PyObject *callback;
    PyObject *quotes;
} Replay;

static const char NAME[] = "quotefeed._replay.Replay";

static void *call_for_each(void *argument)
{
    Replay *replay = argument;
    PyGILState_STATE state = PyGILState_Ensure();
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(replay->quotes); i++) {
        PyObject *result = PyObject_CallObject(replay->callback, PyTuple_GET_ITEM(replay->quotes, i));
        if (result == NULL) {
            PyErr_WriteUnraisable(replay->callback);
            break;
        }
        Py_DECREF(result);
    }
    PyGILState_Release(state);
    return NULL;
}

/* The thread needs the GIL to end, so whoever waits for it lets go of the GIL. */
static void wait_for(Replay *replay)
{
    if (replay->is_joined)
        return;
    replay->is_joined = 1;
    Py_BEGIN_ALLOW_THREADS
    pthread_join(replay->thread, NULL);
    Py_END_ALLOW_THREADS
}

static void release(PyObject *capsule)
{
    Replay *replay = PyCapsule_GetPointer(capsule, NAME);
    wait_for(replay);
    Py_DECREF(replay->callback);
    Py_DECREF(replay->quotes);
    PyMem_Free(replay);
}

static PyObject *start(PyObject *module, PyObject *arguments)
{
    PyObject *callback, *quotes;
    if (!PyArg_ParseTuple(arguments, "OO!:start", &callback, &PyTuple_Type, &quotes))
        return NULL;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(quotes); i++)
        if (!PyTuple_Check(PyTuple_GET_ITEM(quotes, i)))
            return PyErr_Format(PyExc_TypeError, "quote %zd: expected a tuple of arguments", i);
    Replay *replay = PyMem_Calloc(1, sizeof *replay);
    if (replay == NULL)
        return PyErr_NoMemory();
    PyObject *capsule = PyCapsule_New(replay, NAME, NULL);
    if (capsule == NULL) {
        PyMem_Free(replay);
        return NULL;
    }
    replay->callback = Py_NewRef(callback);
    replay->quotes = Py_NewRef(quotes);
    int error = pthread_create(&replay->thread, NULL, call_for_each, replay);
    replay->is_joined = error != 0;
    PyCapsule_SetDestructor(capsule, release);
    if (error) {
        Py_DECREF(capsule);
        errno = error;
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    return capsule;
}

static PyObject *join(PyObject *module, PyObject *capsule)
{
    Replay *replay = PyCapsule_GetPointer(capsule, NAME);
    if (replay == NULL)
        return NULL;
    wait_for(replay);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"start", start, METH_VARARGS, "start(callback, quotes): call back for each tuple of arguments, on a new thread."},
    {"join", join, METH_O, "join(replay): return once the last callback has returned."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_replay", NULL, -1, methods};

PyMODINIT_FUNC PyInit__replay(void)
{
    return PyModule_Create(&module);
}
