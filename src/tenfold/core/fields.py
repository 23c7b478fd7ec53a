"""A field is declared once, beside the attribute it describes, and every door is generated from it.

    @dataclass(frozen=True, kw_only=True)
    class TrainingSpec:
        epochs: int = declare(3, label="Epochs", help="How often ...", minimum=1, maximum=10_000)

Form, validation, JSON schema, command-line option, client argument, preset, difference and reference page are all
derived from `fields_of(TrainingSpec)`. The annotation gives the type: `int`, `float`, `bool`, `str`, or a `Literal` of
texts for a choice; `| None` allows an empty value.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from tenfold.core.errors import InvalidFields, Problem

FieldType = Literal["integer", "number", "boolean", "choice", "text"]
Level = Literal["essential", "common", "everything"]
LEVELS: tuple[Level, ...] = ("essential", "common", "everything")
MAX_TEXT = 10_000
_KEY = "tenfold"

SpecT = TypeVar("SpecT")
_KNOWN: dict[type, tuple[Field, ...]] = {}  # every request asks, and looking at annotations takes a while


@dataclass(frozen=True)
class Choice:
    """One allowed value of a choice, with the words a person sees."""

    value: str
    label: str
    help: str = ""


@dataclass(frozen=True, kw_only=True)
class Field:
    """A declared field. `reference` names the kind of object a text stands for (`dataset`, `network`, ...)."""

    name: str
    type: FieldType
    label: str
    help: str
    default: object = None
    required: bool = False
    nullable: bool = False
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    unit: str = ""
    choices: tuple[Choice, ...] = ()
    level: Level = "common"
    group: str = ""
    sweepable: bool = False
    reference: str = ""

    def parse(self, value: object) -> object:
        """The value in the field's type, from JSON or from a form's text; raises `InvalidFields`."""
        if isinstance(value, str):
            value = value.strip() if self.type != "text" else value
        if value is None or value == "":
            if self.nullable:
                return None
            if value == "" and self.type == "text" and not self.required:
                return ""
            raise self.invalid(f"{self.label} is needed.", "required")
        parsed = _PARSERS[self.type](self, value)
        if isinstance(parsed, int | float) and not isinstance(parsed, bool):
            self._check_range(parsed)
        return parsed

    def _check_range(self, value: float) -> None:
        low = self.minimum is not None and value < self.minimum
        low = low or (self.above is not None and value <= self.above)
        if low or (self.maximum is not None and value > self.maximum):
            raise self.invalid(f"{self.label} is {format_number(value)}; allowed is {self.range_text()}.", "range")

    def range_text(self) -> str:
        """The allowed range in words, as in `1 to 10000` or `above 0`; empty when there is none."""
        if self.choices:
            return ", ".join(choice.value for choice in self.choices)
        low = "" if self.minimum is None else format_number(self.minimum)
        high = "" if self.maximum is None else format_number(self.maximum)
        if self.above is not None:
            low = f"above {format_number(self.above)}"
        if low and high:
            return f"{low}, at most {high}" if self.above is not None else f"{low} to {high}"
        return (low if self.above is not None else f"at least {low}") if low else (f"at most {high}" if high else "")

    def invalid(self, message: str, code: str = "invalid") -> InvalidFields:
        return InvalidFields([Problem(self.name, message, code)])

    def json_schema(self) -> dict[str, object]:
        """The field as JSON schema (draft 2020-12)."""
        schema: dict[str, object] = {"title": self.label, "description": self.help}
        json_type = {"choice": "string", "text": "string"}.get(self.type, self.type)
        schema["type"] = [json_type, "null"] if self.nullable else json_type
        if self.choices:
            schema["enum"] = [choice.value for choice in self.choices] + ([None] if self.nullable else [])
        if self.type == "text":
            schema["maxLength"] = MAX_TEXT
        bounds = {"minimum": self.minimum, "maximum": self.maximum, "exclusiveMinimum": self.above}
        schema.update({key: bound for key, bound in bounds.items() if bound is not None})
        if not self.required:
            schema["default"] = self.default
        return schema


def declare(
    default: Any = dataclasses.MISSING, *, label: str, help: str, **about: Any
) -> Any:  # Any, as `dataclasses.field` has it: the annotation beside it is the type
    """A dataclass attribute with its declaration; without a default the field is required."""
    described = {"label": label, "help": help, **about}
    return dataclasses.field(default=default, metadata={_KEY: described})


def fields_of(spec: type) -> tuple[Field, ...]:
    """The declared fields of a specification, in the order of their declaration."""
    if spec not in _KNOWN:
        hints = typing.get_type_hints(spec)
        attributes = [each for each in dataclasses.fields(spec) if _KEY in each.metadata]
        _KNOWN[spec] = tuple(_field_from(each, hints[each.name]) for each in attributes)
    return _KNOWN[spec]


def parse_spec(spec: type[SpecT], values: Mapping[str, object]) -> SpecT:
    """A specification from JSON or form values.

    All problems are reported together as `InvalidFields`: wrong types and ranges, unknown names with the nearest known
    one, and what the specification's own `problems()` finds between fields.
    """
    known = {field.name: field for field in fields_of(spec)}
    problems = [_unknown(name, known) for name in values if name not in known]
    parsed: dict[str, object] = {}
    for name, field in known.items():
        if name not in values:
            if field.required:
                problems.append(Problem(name, f"{field.label} is needed.", "required"))
            continue
        try:
            parsed[name] = field.parse(values[name])
        except InvalidFields as error:
            problems.extend(error.problems)
    if problems:
        raise InvalidFields(problems)
    result = spec(**parsed)
    across = result.problems() if hasattr(result, "problems") else []
    if across:
        raise InvalidFields(across)
    return result


def spec_values(spec: object) -> dict[str, Any]:
    """The declared values of a specification, ready for JSON and for `parse_spec`."""
    return {field.name: getattr(spec, field.name) for field in fields_of(type(spec))}


def format_number(value: float) -> str:
    """A number as people write it: `3`, `0.001`, `100000`."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else f"{value:.6g}"


def _field_from(attribute: dataclasses.Field[Any], hint: Any) -> Field:
    nullable = False
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        inner = [arg for arg in typing.get_args(hint) if arg is not type(None)]
        hint, nullable = inner[0], True
    about = dict(attribute.metadata[_KEY])
    if typing.get_origin(hint) is Literal:
        about.setdefault("choices", tuple(Choice(value, value) for value in typing.get_args(hint)))
        kind: FieldType = "choice"
    else:
        kind = {int: "integer", float: "number", bool: "boolean", str: "text"}[hint]  # type: ignore[assignment]
    required = attribute.default is dataclasses.MISSING
    default = None if required else attribute.default
    return Field(name=attribute.name, type=kind, default=default, required=required, nullable=nullable, **about)


def _unknown(name: str, known: Mapping[str, Field]) -> Problem:
    near = difflib.get_close_matches(name, known, 1)
    hint = f"perhaps {near[0]!r}" if near else f"known are {', '.join(known)}"
    return Problem(name, f"There is no field {name!r}, {hint}.", "unknown")


def _parse_boolean(field: Field, value: object) -> bool:
    if isinstance(value, bool):
        return value
    words = {"true": True, "on": True, "yes": True, "1": True, "false": False, "off": False, "no": False, "0": False}
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    raise field.invalid(f"{field.label} is yes or no, not {value!r}.", "type")


def _parse_integer(field: Field, value: object) -> int:
    number = _parse_number(field, value)
    if abs(number) > 2**53:
        raise field.invalid(
            f"{field.label} is too large a number; allowed is {field.range_text() or 'up to 2^53'}.", "range"
        )
    if not number.is_integer():
        raise field.invalid(f"{field.label} is a whole number, not {value}.", "type")
    return int(number)


def _parse_number(field: Field, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise field.invalid(f"{field.label} is a number, not {value!r}.", "type")
    if isinstance(value, str):
        comma = re.fullmatch(r"(-?\d+),(\d+)", value)
        if comma:
            message = f"“{value}” reads as two values, {comma[1]} and {comma[2]}. Write {comma[1]}.{comma[2]}."
            raise field.invalid(message, "comma")
        if len(value) > 64:
            raise field.invalid(f"{field.label} is a number of at most 64 characters.", "type")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise field.invalid(f"{field.label} is a number, not {value!r}.", "type") from None
    if not math.isfinite(number):
        raise field.invalid(f"{field.label} is a finite number, not {value}.", "type")
    return number


def _parse_text(field: Field, value: object) -> str:
    if not isinstance(value, str):
        raise field.invalid(f"{field.label} is a text, not {value!r}.", "type")
    if len(value) > MAX_TEXT:
        raise field.invalid(f"{field.label} has {len(value)} characters; at most {MAX_TEXT} are allowed.", "length")
    if "\x00" in value or any(0xD800 <= ord(char) < 0xE000 for char in value):
        raise field.invalid(f"{field.label} has a character that is no text in it.", "type")
    return value


def _parse_choice(field: Field, value: object) -> str:
    allowed = [choice.value for choice in field.choices]
    if isinstance(value, str) and value in allowed:
        return value
    shown = repr(value)[:60]
    near = difflib.get_close_matches(value, allowed, 1) if isinstance(value, str) else []
    hint = f", perhaps {near[0]}" if near else ""
    raise field.invalid(f"{field.label} is {shown}; allowed is one of {', '.join(allowed)}{hint}.", "choice")


_PARSERS = {
    "boolean": _parse_boolean,
    "integer": _parse_integer,
    "number": _parse_number,
    "text": _parse_text,
    "choice": _parse_choice,
}
