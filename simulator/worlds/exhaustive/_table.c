/* The loops over the table of fingerprints, compiled: the same as `insert_in_python`, `absent_in_python` and
   `move_in_python` in visited.py, which are the reference.

   It is optional. Where it was not built, or the variable PAXSIM_PURE is set, importing it fails and visited.py works in
   Python. Tables and keys are arrays of 64 bit numbers that Python owns; nothing is allocated here. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EMPTY (-INT64_C(0x61C8864680B583EB))

/* Where a key stands, or the free place where it would. -1: it is not there and the table is full. */
static Py_ssize_t
find(const int64_t *table, Py_ssize_t places, int64_t key)
{
    Py_ssize_t at = (Py_ssize_t)(key % (int64_t)places);
    if (at < 0)
        at += places;
    for (Py_ssize_t tried = 0; tried < places; tried++) {
        if (table[at] == EMPTY || table[at] == key)
            return at;
        if (++at == places)
            at = 0;
    }
    return -1;
}

static int
append(PyObject *list, Py_ssize_t number)
{
    PyObject *one = PyLong_FromSsize_t(number);
    if (one == NULL)
        return -1;
    int failed = PyList_Append(list, one);
    Py_DECREF(one);
    return failed;
}

static int
full(void)
{
    PyErr_SetString(PyExc_ValueError, "the table is full");
    return -1;
}

/* Two arguments that are arrays of 64 bit numbers; the first has places. 0: they are not, and an error is set. */
static int
two_arrays(PyObject *args, const char *format, Py_buffer *table, Py_buffer *other)
{
    if (!PyArg_ParseTuple(args, format, table, other))
        return 0;
    if (table->len >= 8 && table->len % 8 == 0 && other->len % 8 == 0)
        return 1;
    PyBuffer_Release(table);
    PyBuffer_Release(other);
    PyErr_SetString(PyExc_ValueError, "a table and keys are arrays of 64 bit numbers, and a table has places");
    return 0;
}

static PyObject *
look_up(PyObject *args, int put)
{
    Py_buffer table, keys;
    if (!two_arrays(args, put ? "w*y*:insert" : "y*y*:absent", &table, &keys))
        return NULL;
    int64_t *places = table.buf;
    const int64_t *wanted = keys.buf;
    PyObject *found = PyList_New(0);
    int failed = found == NULL;
    for (Py_ssize_t number = 0; !failed && number < keys.len / 8; number++) {
        int64_t key = wanted[number] == EMPTY ? EMPTY + 1 : wanted[number];
        Py_ssize_t at = find(places, table.len / 8, key);
        if (at < 0)
            failed = full();
        else if (places[at] == EMPTY) {
            if (put)
                places[at] = key;
            failed = append(found, number);
        }
    }
    PyBuffer_Release(&table);
    PyBuffer_Release(&keys);
    if (failed)
        Py_CLEAR(found);
    return found;
}

PyDoc_STRVAR(insert_doc, "insert(table, keys, /)\n--\n\nSee `insert_in_python` in visited.py.");

static PyObject *
insert(PyObject *Py_UNUSED(module), PyObject *args)
{
    return look_up(args, 1);
}

PyDoc_STRVAR(absent_doc, "absent(table, keys, /)\n--\n\nSee `absent_in_python` in visited.py.");

static PyObject *
absent(PyObject *Py_UNUSED(module), PyObject *args)
{
    return look_up(args, 0);
}

PyDoc_STRVAR(move_doc, "move(table, larger, /)\n--\n\nSee `move_in_python` in visited.py.");

static PyObject *
move(PyObject *Py_UNUSED(module), PyObject *args)
{
    Py_buffer table, larger;
    if (!two_arrays(args, "y*w*:move", &table, &larger))
        return NULL;
    int failed = larger.len == 0 ? full() : 0;
    const int64_t *from = table.buf;
    int64_t *to = larger.buf;
    for (Py_ssize_t place = 0; !failed && place < table.len / 8; place++) {
        if (from[place] == EMPTY)
            continue;
        Py_ssize_t at = find(to, larger.len / 8, from[place]);
        if (at < 0)
            failed = full();
        else
            to[at] = from[place];
    }
    PyBuffer_Release(&table);
    PyBuffer_Release(&larger);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"insert", insert, METH_VARARGS, insert_doc},
    {"absent", absent, METH_VARARGS, absent_doc},
    {"move", move, METH_VARARGS, move_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "simulator.worlds.exhaustive._table",
    .m_doc = "The loops over the table of fingerprints in C.",
    .m_methods = methods,
};

PyMODINIT_FUNC
PyInit__table(void)
{
    const char *pure = getenv("PAXSIM_PURE");
    if (pure != NULL && *pure != '\0' && strcmp(pure, "0") != 0) {
        PyErr_SetString(PyExc_ImportError, "PAXSIM_PURE is set");
        return NULL;
    }
    PyObject *module = PyModule_Create(&definition);
    if (module != NULL && PyModule_AddStringConstant(module, "FORM", "C") < 0) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
