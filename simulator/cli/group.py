"""Click's classes with additions: examples in every help, options from variables."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import click
from click.core import ParameterSource

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

Example = tuple[str, str]
"""A command line, and what it does."""


class LabOption(click.Option):
    """An option that may also be given before the sub-command, or by a variable.

    From strongest to weakest: after the sub-command, before it, `PAXSIM_RUN_SEED` (for `run` alone), `PAXSIM_SEED`.
    """

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return the text of the variable, None when there is none or it is empty."""
        name = self._variable(ctx)
        return os.environ[name] if name else None

    def get_error_hint(self, ctx: click.Context | None) -> str:
        """Name the option, or the variable if the wrong value stands there."""
        if ctx is not None and ctx.get_parameter_source(self.name or "") == ParameterSource.ENVIRONMENT:
            return f"the variable {self._variable(ctx)!r}"
        return super().get_error_hint(ctx)

    def _variable(self, ctx: click.Context) -> str | None:
        name = max(self.opts, key=len).lstrip("-").replace("-", "_").upper()
        variables = (f"{ctx.auto_envvar_prefix}_{name}", f"PAXSIM_{name}")
        return next((variable for variable in variables if os.environ.get(variable)), None)

    def consume_value(self, ctx: click.Context, opts: Mapping[str, Any]) -> tuple[Any, ParameterSource]:
        """Return the value and where it came from."""
        parent = ctx.parent
        if self.name and self.name not in opts and parent is not None and self.name in parent.params:
            source = parent.get_parameter_source(self.name)
            if source == ParameterSource.COMMANDLINE:
                return parent.params[self.name], source
        return super().consume_value(ctx, opts)


class LabCommand(click.Command):
    """A command whose help ends with examples that work as printed."""

    def __init__(self, *arguments: Any, examples: Sequence[Example] = (), **options: Any) -> None:
        options.setdefault("context_settings", CONTEXT)
        super().__init__(*arguments, **options)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        write_examples(self.examples, formatter)
        super().format_epilog(ctx, formatter)


class LabGroup(click.Group):
    """The command `paxsim`: it lists its commands in the order of a first evening, not alphabetically."""

    command_class = LabCommand

    def __init__(self, *arguments: Any, examples: Sequence[Example] = (), **options: Any) -> None:
        options.setdefault("context_settings", CONTEXT)
        super().__init__(*arguments, **options)
        self.examples = tuple(examples)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which they were added."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the sub-command. Refuse an option that it does not have."""
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and not ctx.resilient_parsing:
            self._refuse_stray_options(ctx, command)
        return name, command, rest

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        write_examples(self.examples, formatter)
        super().format_epilog(ctx, formatter)

    def _refuse_stray_options(self, ctx: click.Context, command: click.Command) -> None:
        known = {parameter.name for parameter in command.params}
        for parameter in self.params:
            given = parameter.name and ctx.get_parameter_source(parameter.name) == ParameterSource.COMMANDLINE
            if given and parameter.name not in known:
                raise click.UsageError(f"'{command.name}' has no option '{parameter.opts[-1]}'.", ctx)


def write_examples(examples: Sequence[Example], formatter: click.HelpFormatter) -> None:
    """Write the examples, each under the sentence that says what it does."""
    if not examples:
        return
    with formatter.section("Examples"):
        for line, purpose in examples:
            formatter.write(f"{'':>{formatter.current_indent}}# {purpose}\n{'':>{formatter.current_indent}}{line}\n")
