"""Command-line options made of declared fields."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from tenfold.core.fields import Field, format_number

_TYPES: dict[str, type] = {"integer": int, "number": float, "boolean": bool, "text": str}


def with_fields(command: Callable[..., None], fields: tuple[Field, ...]) -> Callable[..., None]:
    """The command with an option for each field in the place of its `**fields`; what is not given is left out."""

    def run(**values: Any) -> None:
        command(**{name: _plain(value) for name, value in values.items() if value is not None})

    signature = inspect.signature(command, eval_str=True)
    kept = [each for each in signature.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
    known = {each.name for each in kept}
    added = [_option(field) for field in fields if field.name not in known]
    ordered = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in [*kept, *added]]
    run.__signature__ = signature.replace(parameters=ordered)  # type: ignore[attr-defined]
    run.__name__ = command.__name__
    run.__doc__ = command.__doc__
    return run


def pairs(texts: list[str]) -> dict[str, str]:
    """`NAME=VALUE` options as a mapping."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{text!r} is not NAME=VALUE, as in width1=32.")
        found[name] = value
    return found


def _option(field: Field) -> inspect.Parameter:
    name = f"--{field.name.replace('_', '-')}"
    hints = [field.help]
    if not field.required and field.default is not None:
        hints.append(f"Default: {_shown(field.default)}.")
    if field.range_text():
        hints.append(f"Allowed: {field.range_text()}{f' {field.unit}' if field.unit else ''}.")
    option = typer.Option(name, help=" ".join(hints), show_default=False)
    kind: Any = _choices(field) if field.choices else _TYPES[field.type]
    default = inspect.Parameter.empty if field.required else None
    annotation: Any = Annotated[kind, option] if field.required else Annotated[kind | None, option]
    return inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _choices(field: Field) -> Any:  # a type made at run time, which no annotation can name
    return enum.Enum(field.name, {choice.value: choice.value for choice in field.choices})


def _plain(value: object) -> object:
    return value.value if isinstance(value, enum.Enum) else value


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return format_number(value) if isinstance(value, int | float) else str(value)
