from simulator.worlds.exhaustive.cluster_outcomes import Numbers
from simulator.worlds.exhaustive.cluster_steps import Tables

FORM: str

def known_states_after(tables: Tables, state: Numbers, /) -> list[Numbers] | None: ...
def states_after(tables: Tables, state: Numbers, /) -> list[Numbers]: ...
