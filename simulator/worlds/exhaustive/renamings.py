"""Renamings of nodes by number, and the images that are known of states and messages."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.worlds.exhaustive.actors import Interner

Names = tuple[int, ...]
"""The new number of each node."""
KeptOrbit = tuple[tuple[tuple[int, int, int], ...], tuple[tuple[int, tuple[int, ...], tuple[int, ...]], ...]]
"""By number the first of its orbit and the way from there; and by the first of an orbit the ways and the images."""


class Ways:
    """Renamings of nodes by number; 0 leaves all names as they are."""

    def __init__(self, size: int) -> None:
        self._names: Interner[Names] = Interner()
        self.names = self._names.values
        self._names(tuple(range(1, size + 1)))
        self._then: dict[tuple[int, int], int] = {}
        self._back: dict[int, int] = {}

    def take_up(self, names: Iterable[Names]) -> None:
        """Have these renamings by number."""
        self._names.take_up(names)
        self._then.clear()
        self._back.clear()

    def of(self, names: Names) -> int:
        """The number of a renaming."""
        return self._names(names)

    def then(self, first: int, second: int) -> int:
        """The renaming that does both."""
        found = self._then.get((first, second))
        if found is None:
            names = self.names[second]
            found = self._then[first, second] = self.of(tuple(names[name - 1] for name in self.names[first]))
        return found

    def back(self, way: int) -> int:
        """The renaming that undoes this one."""
        found = self._back.get(way)
        if found is None:
            names = self.names[way]
            found = self._back[way] = self.of(tuple(names.index(place) + 1 for place in range(1, len(names) + 1)))
        return found


class Orbit:
    """What is known of the images of states, or of messages."""

    def __init__(self, ways: Ways) -> None:
        self._ways = ways
        self.places: dict[int, tuple[int, int]] = {}  # By number: the first one of its orbit, and the way from there.
        self.images: dict[int, dict[int, int]] = {}  # By the first one: by way.
        self._known: dict[int, dict[int, int]] = {}  # By way: images that were asked for.

    def image(self, way: int, number: int) -> int | None:
        """The image of this one, if it is known."""
        known = self._known.get(way)
        if known is None:
            known = self._known[way] = {}
        image = known.get(number)
        if image is None:
            first, own = self.places.get(number, (number, 0))
            image = self.images.get(first, {}).get(self._ways.then(own, way))
            if image is not None:
                known[number] = image
        return image

    def note(self, way: int, number: int, image: int) -> None:
        """`image` is the image of `number`."""
        first, own = self.places.setdefault(number, (number, 0))
        images = self.images.setdefault(first, {0: first})
        whole = self._ways.then(own, way)
        images[whole] = image
        self.places.setdefault(image, (first, whole))

    def kept(self) -> KeptOrbit:
        """All that is known."""
        places = tuple((number, *place) for number, place in self.places.items())
        return places, tuple((first, (*images,), (*images.values(),)) for first, images in self.images.items())

    def take_up(self, kept: KeptOrbit) -> None:
        """Know this, and nothing else."""
        places, images = kept
        self.places = {number: (first, way) for number, first, way in places}
        self.images = {first: dict(zip(ways, those, strict=True)) for first, ways, those in images}
        self._known.clear()
