"""Held messages in groups, so that a person can choose among hundreds."""

from __future__ import annotations

from simulator.cluster.events import HeldMessage
from simulator.views.held import MOST_ALIKE, held_groups


def held(*messages: tuple[int, int, str]) -> list[HeldMessage]:
    """Messages (source, target, text), numbered from 1."""
    return [
        HeldMessage(number=number, source=source, target=target, text=text)
        for number, (source, target, text) in enumerate(messages, 1)
    ]


def test_repeated_messages_of_a_link_are_one_line_and_come_last() -> None:
    """Ten heartbeats do not hide the one PREPARE."""
    groups = held_groups(held(*[(1, 2, f"HEARTBEAT round-trip {n}") for n in range(10)], (3, 2, "PREPARE ballot 2.3")))

    assert [(group.link, group.kind, len(group.numbers)) for group in groups] == [
        ((3, 2), "PREPARE", 1),
        ((1, 2), "HEARTBEAT", 10),
    ]


def test_a_group_knows_the_line_that_delivers_it() -> None:
    """By its number, by link and kind, or its oldest when other messages of that kind would go along."""
    one, accepts, other, many = held_groups(
        held(
            (1, 2, "PREPARE ballot 1.1"),
            (1, 3, "ACCEPT slot 1"),
            (1, 3, "ACCEPT slot 2"),
            *[(2, 1, "HEARTBEAT-ACK")] * 3,
        )
    )

    assert one.order == "deliver 1"
    assert (accepts.order, other.order) == ("deliver 2", "deliver 3")
    assert many.order == "deliver 2>1 heartbeat-ack"


def test_very_many_of_a_kind_are_one_line() -> None:
    """Under load hundreds of ACCEPTs wait on one link."""
    (group,) = held_groups(held(*[(1, 2, f"ACCEPT slot {slot}") for slot in range(MOST_ALIKE + 1)]))

    assert len(group.numbers) == MOST_ALIKE + 1
    assert group.order == "deliver 1>2 accept"
    assert group.text == "ACCEPT slot 0"


def test_a_group_stays_known_while_others_of_its_kind_come() -> None:
    """The choice of a person must not jump to another line."""
    before = held_groups(held((1, 2, "HEARTBEAT a")))[0]
    after = held_groups(held((1, 2, "HEARTBEAT a"), (1, 2, "HEARTBEAT b"), (1, 3, "PREPARE")))[-1]

    assert before.key == after.key
