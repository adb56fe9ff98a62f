/* The steps from a state of our own nodes, compiled: the same states in the same order as `in_python` in
   cluster_steps.py gives, which is the reference.

   It is optional. Where it was not built, or the variable PAXSIM_PURE is set, importing it fails and cluster_steps.py works
   in Python. All that is known is looked up in tables that Python owns: lists by number, and dictionaries that work out
   what is not there yet when they are asked for it. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdlib.h>
#include <string.h>

#define MOST 16 /* The places of a state: one a node, and one for what is used of the budgets. */

/* The places in `Tables`, and in an `Outcome` of cluster_outcomes.py. */
enum { BY_USED, FETCHES, HEIGHTS, SERVERS, JUDGED, RIGHT, WITHOUT_CRASHES, LOOK, LIKENESSES, ORDERS, ORDERS_BY, HOW_MANY };
enum { ACTION, AFTER, PARCELS, USED, JUDGE, LAST_CRASH, WHY, OUTCOME };

/* The tables. With `known_only` nothing is worked out: what would need it gives nothing, and `missing` is set, and no error. */
typedef struct {
    PyObject *const *at;
    int known_only;
    int missing;
} Tables;

/* A state that is being made: numbers that are held. */
typedef struct {
    PyObject *at[MOST];
    Py_ssize_t size;
} State;

static void
drop(State *state)
{
    for (Py_ssize_t place = 0; place < state->size; place++)
        Py_CLEAR(state->at[place]);
}

static void
put(State *state, Py_ssize_t place, PyObject *held)
{
    PyObject *before = state->at[place];
    state->at[place] = held;
    Py_XDECREF(before);
}

static PyObject *
as_tuple(const State *state)
{
    PyObject *made = PyTuple_New(state->size);
    for (Py_ssize_t place = 0; made != NULL && place < state->size; place++)
        PyTuple_SET_ITEM(made, place, Py_NewRef(state->at[place]));
    return made;
}

/* What a dictionary holds, or works out now; held. */
static PyObject *
look_up(Tables *tables, PyObject *table, PyObject *key)
{
    if (!PyDict_Check(table)) {
        PyErr_SetString(PyExc_TypeError, "a table is no dictionary");
        return NULL;
    }
    PyObject *found = PyDict_GetItemWithError(table, key);
    if (found != NULL)
        return Py_NewRef(found);
    if (PyErr_Occurred())
        return NULL;
    if (tables->known_only) {
        tables->missing = 1;
        return NULL;
    }
    return PyObject_GetItem(table, key);
}

/* What a list holds at a number; borrowed. */
static PyObject *
listed(PyObject *list, PyObject *number)
{
    Py_ssize_t at = PyLong_AsSsize_t(number);
    if (at == -1 && PyErr_Occurred())
        return NULL;
    if (!PyList_Check(list) || at < 0 || at >= PyList_GET_SIZE(list)) {
        PyErr_SetString(PyExc_IndexError, "a number stands for nothing");
        return NULL;
    }
    return PyList_GET_ITEM(list, at);
}

/* The whole number that a list holds at a number. 0: an error is set. */
static int
listed_number(PyObject *list, PyObject *number, long *found)
{
    PyObject *one = listed(list, number);
    *found = one == NULL ? -1 : PyLong_AsLong(one);
    return *found != -1 || !PyErr_Occurred();
}

static int
is_tuple_of(PyObject *one, Py_ssize_t size)
{
    if (one != NULL && PyTuple_Check(one) && PyTuple_GET_SIZE(one) == size)
        return 1;
    if (!PyErr_Occurred())
        PyErr_SetString(PyExc_TypeError, "a table holds something else");
    return 0;
}

/* Each node's number is replaced by what a dictionary holds for it. */
static int
map_nodes(State *state, Tables *tables, PyObject *table)
{
    for (Py_ssize_t place = 0; place < state->size - 1; place++) {
        PyObject *found = look_up(tables, table, state->at[place]);
        if (found == NULL)
            return 0;
        put(state, place, found);
    }
    return 1;
}

/* Judge the nodes together, unless nodes of which the same is judged were right before, or it is known what is wrong. */
static int
judge(State *state, Tables *tables, PyObject *why, int wrong)
{
    PyObject *key = Py_NewRef(Py_None);
    if (!wrong) {
        Py_SETREF(key, PyTuple_New(state->size - 1));
        for (Py_ssize_t place = 0; key != NULL && place < state->size - 1; place++) {
            PyObject *one = listed(tables->at[JUDGED], state->at[place]);
            if (one == NULL)
                Py_CLEAR(key);
            else
                PyTuple_SET_ITEM(key, place, Py_NewRef(one));
        }
        if (key == NULL)
            return 0;
        int right = PySet_Contains(tables->at[RIGHT], key);
        if (right != 0) {
            Py_DECREF(key);
            return right > 0;
        }
    }
    if (tables->known_only) {
        tables->missing = 1;
        Py_DECREF(key);
        return 0;
    }
    PyObject *after = as_tuple(state);
    PyObject *used = after == NULL ? NULL : PyObject_CallFunctionObjArgs(tables->at[LOOK], after, key, why, NULL);
    Py_XDECREF(after);
    Py_DECREF(key);
    if (used == NULL)
        return 0;
    put(state, state->size - 1, used);
    return 1;
}

/* The state after one outcome at a node. */
static int
follow(State *state, PyObject *before, Py_ssize_t place, PyObject *outcome, Tables *tables)
{
    for (Py_ssize_t other = 0; other < state->size; other++)
        put(state, other, Py_NewRef(PyTuple_GET_ITEM(before, other)));
    put(state, place, Py_NewRef(PyTuple_GET_ITEM(outcome, AFTER)));
    PyObject *parcels = PyTuple_GET_ITEM(outcome, PARCELS);
    if (!PyTuple_Check(parcels))
        return is_tuple_of(parcels, 0);
    for (Py_ssize_t number = 0; number < PyTuple_GET_SIZE(parcels); number++) {
        PyObject *parcel = PyTuple_GET_ITEM(parcels, number);
        if (!is_tuple_of(parcel, 2))
            return 0;
        Py_ssize_t to = PyLong_AsSsize_t(PyTuple_GET_ITEM(parcel, 0));
        if (to < 0 || to >= state->size - 1) {
            PyErr_SetString(PyExc_IndexError, "a parcel is for nobody");
            return 0;
        }
        PyObject *found = look_up(tables, PyTuple_GET_ITEM(parcel, 1), state->at[to]);
        if (found == NULL)
            return 0;
        put(state, to, found);
    }
    put(state, state->size - 1, Py_NewRef(PyTuple_GET_ITEM(outcome, USED)));
    if (PyTuple_GET_ITEM(outcome, LAST_CRASH) == Py_True && !map_nodes(state, tables, tables->at[WITHOUT_CRASHES]))
        return 0;
    PyObject *why = PyTuple_GET_ITEM(outcome, WHY);
    int wrong = PyObject_IsTrue(why);
    if (wrong < 0)
        return 0;
    if (wrong || PyTuple_GET_ITEM(outcome, JUDGE) == Py_True)
        return judge(state, tables, why, wrong);
    return 1;
}

static int
compared(long one, long other)
{
    return one < other ? 0 : one == other ? 1 : 2;
}

/* In which orders the nodes may be put: a list of places and of what becomes of each node there. Borrowed. */
static PyObject *
orders_for(PyObject *likenesses[3], const long like[3], Tables *tables)
{
    Py_ssize_t at = compared(like[0], like[1]) * 9 + compared(like[1], like[2]) * 3 + compared(like[0], like[2]);
    if (!PyList_Check(tables->at[ORDERS]) || PyList_GET_SIZE(tables->at[ORDERS]) != 27) {
        PyErr_SetString(PyExc_TypeError, "there are 27 ways in which three numbers compare");
        return NULL;
    }
    if (PyList_GET_ITEM(tables->at[ORDERS], at) == Py_None && tables->known_only) {
        tables->missing = 1;
        return NULL;
    }
    if (PyList_GET_ITEM(tables->at[ORDERS], at) == Py_None) {
        PyObject *three = PyTuple_Pack(3, likenesses[0], likenesses[1], likenesses[2]);
        PyObject *found = three == NULL ? NULL : PyObject_CallOneArg(tables->at[ORDERS_BY], three);
        Py_XDECREF(three);
        if (found == NULL || PyList_SetItem(tables->at[ORDERS], at, found) < 0)
            return NULL;
    }
    PyObject *orders = PyList_GET_ITEM(tables->at[ORDERS], at);
    if (PyList_Check(orders) && PyList_GET_SIZE(orders) > 0)
        return orders;
    PyErr_SetString(PyExc_TypeError, "there is no order of the nodes");
    return NULL;
}

/* The nodes in one order, under their new names. */
static PyObject *
in_order(const State *state, PyObject *order, Tables *tables)
{
    if (!is_tuple_of(order, 2) || !is_tuple_of(PyTuple_GET_ITEM(order, 0), state->size - 1))
        return NULL;
    PyObject *places = PyTuple_GET_ITEM(order, 0), *images = PyTuple_GET_ITEM(order, 1);
    if (images == Py_None)
        return as_tuple(state);
    PyObject *made = PyTuple_New(state->size);
    for (Py_ssize_t place = 0; made != NULL && place < state->size - 1; place++) {
        Py_ssize_t from = PyLong_AsSsize_t(PyTuple_GET_ITEM(places, place));
        PyObject *image = NULL;
        if (from >= 0 && from < state->size - 1)
            image = look_up(tables, images, state->at[from]);
        else
            PyErr_SetString(PyExc_IndexError, "an order names no node");
        if (image == NULL)
            Py_CLEAR(made);
        else
            PyTuple_SET_ITEM(made, place, image);
    }
    if (made != NULL)
        PyTuple_SET_ITEM(made, state->size - 1, Py_NewRef(state->at[state->size - 1]));
    return made;
}

/* The state that stands for this one and its images: see `Symmetry.canonical`. For three nodes. */
static PyObject *
canonical(const State *state, Tables *tables)
{
    PyObject *likenesses[3] = {NULL, NULL, NULL}, *best = NULL, *orders = NULL;
    long like[3];
    int failed = 0;
    for (int place = 0; !failed && place < 3; place++) {
        likenesses[place] = look_up(tables, tables->at[LIKENESSES], state->at[place]);
        like[place] = likenesses[place] == NULL ? -1 : PyLong_AsLong(likenesses[place]);
        failed = likenesses[place] == NULL || (like[place] == -1 && PyErr_Occurred() != NULL);
    }
    if (!failed && like[0] < like[1] && like[1] < like[2])
        best = as_tuple(state);
    else if (!failed)
        orders = Py_XNewRef(orders_for(likenesses, like, tables));
    for (Py_ssize_t number = 0; orders != NULL && number < PyList_GET_SIZE(orders); number++) {
        PyObject *found = in_order(state, PyList_GET_ITEM(orders, number), tables);
        int less = found == NULL ? -1 : best == NULL ? 1 : PyObject_RichCompareBool(found, best, Py_LT);
        if (less > 0)
            Py_XSETREF(best, Py_NewRef(found));
        Py_XDECREF(found);
        if (less < 0) {
            Py_CLEAR(best);
            break;
        }
    }
    Py_XDECREF(orders);
    for (int place = 0; place < 3; place++)
        Py_XDECREF(likenesses[place]);
    return best;
}

/* Add the states after all these outcomes at a node. */
static int
add_all(PyObject *found, PyObject *before, Py_ssize_t place, PyObject *outcomes, Tables *tables)
{
    if (!PyTuple_Check(outcomes))
        return is_tuple_of(outcomes, 0);
    State state = {{NULL}, PyTuple_GET_SIZE(before)};
    int going = 1;
    for (Py_ssize_t number = 0; going && number < PyTuple_GET_SIZE(outcomes); number++) {
        PyObject *outcome = PyTuple_GET_ITEM(outcomes, number), *after = NULL;
        if (is_tuple_of(outcome, OUTCOME) && follow(&state, before, place, outcome, tables))
            after = tables->at[LIKENESSES] == Py_None ? as_tuple(&state) : canonical(&state, tables);
        going = after != NULL && PyList_Append(found, after) == 0;
        Py_XDECREF(after);
    }
    drop(&state);
    return going;
}

/* Add the states after a node has fetched blocks from a peer with a longer chain. */
static int
add_fetches(PyObject *found, PyObject *before, Py_ssize_t place, PyObject *fetches, Tables *tables)
{
    PyObject *local = PyTuple_GET_ITEM(before, place);
    long own, height;
    if (!listed_number(tables->at[HEIGHTS], local, &own))
        return 0;
    for (Py_ssize_t peer = 0; peer < PyTuple_GET_SIZE(before) - 1; peer++) {
        PyObject *other = PyTuple_GET_ITEM(before, peer);
        if (!listed_number(tables->at[HEIGHTS], other, &height))
            return 0;
        if (height <= own)
            continue;
        PyObject *server = listed(tables->at[SERVERS], other);
        PyObject *key = server == NULL ? NULL : PyTuple_Pack(2, local, server);
        PyObject *outcomes = key == NULL ? NULL : look_up(tables, fetches, key);
        int added = outcomes != NULL && add_all(found, before, place, outcomes, tables);
        Py_XDECREF(key);
        Py_XDECREF(outcomes);
        if (!added)
            return 0;
    }
    return 1;
}

static PyObject *
find_states(PyObject *const *args, Py_ssize_t count, int known_only)
{
    if (count != 2 || !PyTuple_Check(args[0]) || PyTuple_GET_SIZE(args[0]) != HOW_MANY || !PyTuple_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "it takes the tables and a state");
        return NULL;
    }
    Tables tables = {&PyTuple_GET_ITEM(args[0], 0), known_only, 0};
    PyObject *before = args[1];
    Py_ssize_t size = PyTuple_GET_SIZE(before);
    if (size < 2 || size > MOST || (tables.at[LIKENESSES] != Py_None && size != 4)) {
        PyErr_SetString(PyExc_ValueError, "a state has at most 15 nodes, and three where they are put in order");
        return NULL;
    }
    PyObject *used = PyTuple_GET_ITEM(before, size - 1);
    PyObject *by_local = Py_XNewRef(listed(tables.at[BY_USED], used));
    PyObject *fetches = by_local == NULL ? NULL : Py_XNewRef(listed(tables.at[FETCHES], used));
    PyObject *found = fetches == NULL ? NULL : PyList_New(0);
    for (Py_ssize_t place = 0; found != NULL && place < size - 1; place++) {
        PyObject *outcomes = look_up(&tables, by_local, PyTuple_GET_ITEM(before, place));
        int added = outcomes != NULL && add_all(found, before, place, outcomes, &tables) &&
                    add_fetches(found, before, place, fetches, &tables);
        Py_XDECREF(outcomes);
        if (!added)
            Py_CLEAR(found);
    }
    Py_XDECREF(by_local);
    Py_XDECREF(fetches);
    if (tables.missing)
        Py_RETURN_NONE;
    return found;
}

PyDoc_STRVAR(states_after_doc, "states_after(tables, state, /)\n--\n\nSee `in_python` in cluster_steps.py.");

static PyObject *
states_after(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    return find_states(args, count, 0);
}

PyDoc_STRVAR(known_doc, "known_states_after(tables, state, /)\n--\n\n"
                        "The same, or None where something would have to be worked out.");

static PyObject *
known_states_after(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    return find_states(args, count, 1);
}

static PyMethodDef methods[] = {
    {"known_states_after", (PyCFunction)(void (*)(void))known_states_after, METH_FASTCALL, known_doc},
    {"states_after", (PyCFunction)(void (*)(void))states_after, METH_FASTCALL, states_after_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "simulator.worlds.exhaustive._steps",
    .m_doc = "The steps from a state of our own nodes in C.",
    .m_methods = methods,
};

PyMODINIT_FUNC
PyInit__steps(void)
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
