"""The models by the name that `--model` gives them."""

from __future__ import annotations

from simulator.checks.linearizability.containers import Counter, FifoQueue, PriorityQueue, Stack
from simulator.checks.linearizability.keyed import AppendList, MultiRegister
from simulator.checks.linearizability.model import Model
from simulator.checks.linearizability.plain_blog import PlainBlog
from simulator.checks.linearizability.registers import CasRegister, KeyValue, Mutex, ReadableSet, Register

MODELS: dict[str, type[Model]] = {
    "blog": PlainBlog,
    "register": Register,
    "cas-register": CasRegister,
    "kv": KeyValue,
    "mutex": Mutex,
    "set": ReadableSet,
    "fifo-queue": FifoQueue,
    "stack": Stack,
    "priority-queue": PriorityQueue,
    "counter": Counter,
    "append-list": AppendList,
    "multi-register": MultiRegister,
}
