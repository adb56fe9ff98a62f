"""The virtual world: the same nodes with one event queue and one seed, on simulated links, disks and clocks.

Reading order: `clock`, `event_queue`, `disk`, `network`, `timers`, `machine`, `node_factory`, `nemesis`, `cluster`.
"""
