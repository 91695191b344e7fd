"""Options that take several values at once: `--wire a.txt b.txt` is `--wire a.txt --wire b.txt`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer.core


def spread(arguments: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the arguments with each of `names` repeated before every value that follows it."""
    found: list[str] = []
    greedy: str | None = None
    for at, argument in enumerate(arguments):
        if argument == "--":
            return [*found, *arguments[at:]]
        if argument.startswith("-") and argument != "-":
            name = argument.partition("=")[0]
            greedy = name if name in names else None
            found.append(argument)
        elif greedy is not None and found[-1] != greedy:
            found += [greedy, argument]
        else:
            found.append(argument)
    return found


class GreedyCommand(typer.core.TyperCommand):
    """A command whose options that may repeat also take several values behind one name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Spread the values, then parse as ever."""
        options = (each for each in self.params if isinstance(each, typer.core.TyperOption) and each.multiple)
        names = [name for option in options for name in option.opts]
        return super().parse_args(ctx, spread(args, names))
