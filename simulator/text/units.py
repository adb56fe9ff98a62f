"""TIME and PROBABILITY as people write them, for console, scenario files and options.

A bare number is refused with what to write instead, because `net delay 3` could mean three things. Arithmetic is exact
(fractions, not floats), so 0.1s is exactly 100 ms.
"""

from __future__ import annotations

import re
from fractions import Fraction

from simulator.errors import InputError

_NUMBER = r"(?P<number>[0-9]{1,12}(?:\.[0-9]{1,12})?|\.[0-9]{1,12})"
_TIME = re.compile(_NUMBER + r"(?P<unit>ms|s|m)", re.IGNORECASE)
_PERCENT = re.compile(_NUMBER + "%")
_BARE = re.compile(_NUMBER)
_MS_PER_UNIT = {"ms": 1, "s": 1_000, "m": 60_000}


def parse_time_ms(text: str) -> int:
    """Return the whole milliseconds that a TIME such as `250ms`, `1.5s` or `2m` stands for.

    Raises:
        InputError: not a number with `ms`, `s` or `m`, or finer than one millisecond.
    """
    word = text.strip()
    match = _TIME.fullmatch(word)
    if match is None:
        if _BARE.fullmatch(word):
            raise InputError(f"{word!r} is a time without a unit: write {word}ms, {word}s or {word}m.")
        raise InputError(f"{word!r} is not a time: write a number with ms, s or m, such as 250ms, 1.5s or 2m.")
    milliseconds = Fraction(match["number"]) * _MS_PER_UNIT[match["unit"].lower()]
    if milliseconds.denominator != 1:
        raise InputError(f"{word!r} is finer than the clock of the lab: write whole milliseconds, such as 1ms.")
    return int(milliseconds)


def parse_probability(text: str) -> float:
    """Return the chance from 0.0 to 1.0 that a PROBABILITY such as `30%` or `0.5%` stands for.

    Raises:
        InputError: not a number with `%`, or above 100%.
    """
    word = text.strip()
    match = _PERCENT.fullmatch(word)
    if match is None:
        bare = _BARE.fullmatch(word)
        if bare is None:
            raise InputError(f"{word!r} is not a probability: write a number with %, such as 30%.")
        number = Fraction(bare["number"])
        meant = f"{float(number * 100):g}%" if "." in word and number <= 1 else f"{word}%"
        raise InputError(f"{word!r} is a probability without its %: write {meant}.")
    percent = Fraction(match["number"])
    if percent > 100:
        raise InputError(f"{word!r} is more than certain: write a probability from 0% to 100%.")
    return float(percent / 100)


def format_ms(milliseconds: int) -> str:
    """Return the shortest TIME that `parse_time_ms` reads back as exactly this many milliseconds (not negative)."""
    if milliseconds < 1_000:
        return f"{milliseconds}ms"
    if milliseconds % 60_000 == 0:
        return f"{milliseconds // 60_000}m"
    seconds, rest = divmod(milliseconds, 1_000)
    return f"{seconds}.{rest:03d}".rstrip("0").rstrip(".") + "s"
