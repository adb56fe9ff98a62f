"""The virtual world: the same nodes with one event queue and one seed, on simulated links, disks and clocks.

Reading order: `event_queue`, `network`, `clock`, `timers`, `disk`, `sync_delay`, `machine`, `nemesis`, `cluster`.
"""
