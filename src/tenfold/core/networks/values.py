"""What an expression can give: numbers, booleans, texts, words, lists, initialisers and nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from tenfold.core.networks.limits import MAX_INTEGER


class Word(str):
    """A word that is neither parameter nor value: a choice, as `relu` or `same`."""

    __slots__ = ()


@dataclass(frozen=True)
class Initialiser:
    """How a tensor's first values are drawn: `normal(0.01)`, `zeros`."""

    name: str
    arguments: tuple[int | float | str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({', '.join(str(item) for item in self.arguments)})" if self.arguments else self.name


Value: TypeAlias = "int | float | bool | str | Initialiser | list[Value] | None"


def shown(value: object) -> str:
    """A value as the language writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "none"
    if isinstance(value, list | tuple):
        items = [shown(item) for item in value[:8]]
        return f"[{', '.join(items)}{', ...' if len(value) > 8 else ''}]"
    if isinstance(value, str) and not isinstance(value, Word):
        return f'"{value[:40]}"'
    if isinstance(value, int) and abs(value) > MAX_INTEGER:  # a float that was taken for a whole number
        return f"{value:.3g}"
    return str(value)


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
