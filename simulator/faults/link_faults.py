"""Carries out the faults that concern links alone, the same in both worlds."""

from __future__ import annotations

from itertools import permutations

from simulator.errors import InputError
from simulator.faults.faults import ClearConditions, CutLink, Fault, Heal, Hold, LinkConditions, MendLink, Partition
from simulator.faults.links import Link, LinkRule, Links


def change_links(links: Links, fault: Fault) -> bool:
    """Change `links` as `fault` says. False when the fault concerns more than the state of links.

    Raises:
        InputError: it names an unknown node, a link from a node to itself, or a node in two groups.
    """
    match fault:
        case Partition(groups):
            _check_groups(links, groups)
            links.partition(groups)
        case CutLink():
            links.cut_links(_both_ways(links, fault))
        case MendLink():
            links.mend_links(_both_ways(links, fault))
        case Heal():
            links.heal()
        case LinkConditions(rule, chosen):
            for link in chosen:
                _check_link(links, link)
            links.set_rule(chosen or permutations(links.nodes, 2), rule)
        case ClearConditions():
            links.set_rule(permutations(links.nodes, 2), LinkRule())
        case Hold():
            links.hold(on=True)
        case _:
            return False
    return True


def _both_ways(links: Links, fault: CutLink | MendLink) -> list[Link]:
    there = (fault.source, fault.target)
    _check_link(links, there)
    return [there] if fault.one_way else [there, (fault.target, fault.source)]


def _check_groups(links: Links, groups: tuple[tuple[int, ...], ...]) -> None:
    seen: set[int] = set()
    for group in groups:
        for node in group:
            _check_node(links, node)
            if node in seen:
                raise InputError(f"Node {node} stands twice in the partition: each node is on one side.")
            seen.add(node)


def _check_link(links: Links, link: Link) -> None:
    for node in link:
        _check_node(links, node)
    if link[0] == link[1]:
        raise InputError(f"There is no link from node {link[0]} to itself.")


def _check_node(links: Links, node: int) -> None:
    if node not in links.nodes:
        raise InputError(f"There is no node {node}: this cluster has nodes 1 to {len(links.nodes)}.")
