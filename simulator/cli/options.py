"""Options that several commands share, and the types of their values."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click

from simulator.cli.group import LabOption
from simulator.cli.output import ColorChoice, Output, choose_color
from simulator.errors import InputError
from simulator.settings import MAX_NODES, Settings
from simulator.text.units import parse_time_ms

Function = TypeVar("Function", bound=Callable[..., Any])

_DEFAULTS = Settings()
CLUSTER_OPTIONS = ("nodes", "data", "fresh", "seed", "difficulty", "ops_per_block", "window", "sync")
"""Names of the parameters that make a `Settings`."""


class WholeNumber(click.ParamType[int]):
    """A whole number from `least` to `most` (None: without an upper end)."""

    name = "number"

    def __init__(self, least: int, most: int | None = None) -> None:
        self.least = least
        self.most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number; anything else is refused with what would be right."""
        try:
            number = int(str(value), 10)
        except ValueError:
            self.fail(f"{value!r} is not a number: write {self._range()}.", param, ctx)
        if number < self.least or (self.most is not None and number > self.most):
            self.fail(f"{number} is out of range: write {self._range()}.", param, ctx)
        return number

    def _range(self) -> str:
        if self.most is None:
            return f"a whole number, {self.least} or more"
        return f"a whole number from {self.least} to {self.most}"


class TimeMs(click.ParamType[int]):
    """A TIME such as `250ms`, `1.5s` or `2m`, in milliseconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Whole milliseconds; a number (a default) is already one."""
        if isinstance(value, int):
            return value
        try:
            return parse_time_ms(str(value))
        except InputError as error:
            self.fail(str(error), param, ctx)


def common_options(function: Function) -> Function:
    """Add `-q`, `-v` and `--color`, which every command has. They act on the process and are not passed on."""
    for decorator in (
        click.option(
            "--color",
            type=click.Choice(["auto", "always", "never"]),
            default="auto",
            show_default=True,
            expose_value=False,
            callback=_set_color,
            cls=LabOption,
            help="Colour; auto asks the terminal, NO_COLOR and FORCE_COLOR.",
        ),
        click.option(
            "-v",
            "--verbose",
            count=True,
            expose_value=False,
            callback=_set_verbose,
            cls=LabOption,
            help="Say more on stderr about what goes on.",
        ),
        click.option(
            "-q",
            "--quiet",
            is_flag=True,
            expose_value=False,
            callback=_set_quiet,
            cls=LabOption,
            help="No progress on stderr: results, warnings and errors only.",
        ),
    ):
        function = decorator(function)
    return function


def json_option(function: Function) -> Function:
    """Add `--json`."""
    return click.option(
        "--json", is_flag=True, cls=LabOption, help="Print one JSON document on stdout and nothing else."
    )(function)


def number_option(name: str, least: int, most: int | None, default: int, text: str) -> Callable[[Function], Function]:
    """An option that takes a whole number from `least` to `most` (None: without an upper end)."""
    kind = WholeNumber(least, most)
    return click.option(name, type=kind, default=default, show_default=True, metavar="N", cls=LabOption, help=text)


difficulty_option = number_option("--difficulty", 0, 8, _DEFAULTS.difficulty, "Zeros that a block's hash begins with.")
sync_option = click.option(
    "--sync",
    type=click.Choice(["fsync", "flush"]),
    default=_DEFAULTS.sync,
    show_default=True,
    cls=LabOption,
    help="fsync: answered writes outlive a power cut; flush: the death of a process.",
)


def cluster_options(*, data_help: str, data: str | None = _DEFAULTS.data) -> Callable[[Function], Function]:
    """Add the options of a command that starts a cluster; the command gets them as one `settings` argument.

    `data` is the default directory; None stands for a temporary one, which reaches the command as an empty name.
    """

    def decorate(function: Function) -> Function:
        @wraps(function)
        def with_settings(*arguments: Any, **values: Any) -> Any:
            chosen = {name: values.pop(name) for name in CLUSTER_OPTIONS}
            chosen["data"] = chosen["data"] or ""
            return function(*arguments, settings=Settings(**chosen), **values)

        decorated: Any = with_settings
        for decorator in reversed(_cluster_decorators(data, data_help)):
            decorated = decorator(decorated)
        return decorated  # type: ignore[no-any-return]

    return decorate


def _cluster_decorators(data: str | None, data_help: str) -> list[Callable[[Any], Any]]:
    return [
        number_option("--nodes", 1, MAX_NODES, _DEFAULTS.nodes, "How many nodes."),
        click.option(
            "--data", type=click.Path(file_okay=False), default=data, metavar="DIR", cls=LabOption, help=data_help
        ),
        click.option("--fresh", is_flag=True, cls=LabOption, help="Start empty: delete what nodes left in DIR."),
        number_option("--seed", 0, None, _DEFAULTS.seed, "Seed of all chance."),
        difficulty_option,
        number_option("--ops-per-block", 1, 4096, _DEFAULTS.ops_per_block, "Most operations in one block."),
        number_option("--window", 1, 65536, _DEFAULTS.window, "Slots in flight at once."),
        sync_option,
    ]


def _set_color(ctx: click.Context, _param: click.Parameter, value: ColorChoice) -> None:
    if not ctx.resilient_parsing:
        choose_color(value)


def _set_quiet(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    output = ctx.ensure_object(Output)
    output.quiet = output.quiet or value


def _set_verbose(ctx: click.Context, _param: click.Parameter, value: int) -> None:
    output = ctx.ensure_object(Output)
    output.verbosity = max(output.verbosity, value)
