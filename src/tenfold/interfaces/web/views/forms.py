"""A form as it stands: declared fields with what was typed, what is wrong with it, and what was changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tenfold.core.errors import Problem
from tenfold.core.fields import LEVELS, Field, Level, format_number


@dataclass(frozen=True, kw_only=True)
class Option:
    """One value that may be chosen; `why_not` says why it cannot be, and it stays visible."""

    value: str
    label: str
    about: str = ""
    why_not: str = ""


@dataclass(frozen=True, kw_only=True)
class FieldView:
    """One field of a form: `value` is the text in it, right or wrong; `check_url` judges it when it is left.

    Where others depend on it, `form_url` gives the whole form anew instead. `proposal` is what an empty one stands for.
    """

    field: Field
    id: str
    value: str
    default: str
    problem: str = ""
    is_changed: bool = False
    options: tuple[Option, ...] = ()
    check_url: str = ""
    form_url: str = ""
    proposal: str = ""

    @property
    def name(self) -> str:
        return self.id.removeprefix("field-")

    @property
    def is_on(self) -> bool:
        return self.value in {"true", "on", "yes", "1"}

    @property
    def value_words(self) -> str:
        return self._words(self.value)

    @property
    def default_words(self) -> str:
        return self._words(self.default)

    def _words(self, text: str) -> str:
        """A value as a sentence has it: the label of a choice, on or off, empty."""
        if self.field.type == "boolean":
            return "on" if text == "true" else "off"
        return next((option.label for option in self.options if option.value == text), text) or "empty"

    @property
    def keyboard(self) -> str:
        """The keyboard a phone shows."""
        return {"integer": "numeric", "number": "decimal"}.get(self.field.type, "text")


@dataclass(frozen=True, kw_only=True)
class FieldGroup:
    """Fields under one heading."""

    title: str
    fields: tuple[FieldView, ...]


@dataclass(frozen=True, kw_only=True)
class LevelTab:
    """One of the three levels, with how many fields it shows."""

    level: Level
    num_fields: int
    is_current: bool


def field_views(
    fields: Iterable[Field],
    values: Mapping[str, object],
    problems: Sequence[Problem] = (),
    *,
    prefix: str = "",
    options: Mapping[str, Sequence[Option]] | None = None,
    proposals: Mapping[str, str] | None = None,
    check_url: str = "",
) -> tuple[FieldView, ...]:
    """Fields with their values and problems.

    `prefix` stands before names, as in `parameters.`; `proposals`, as for a free name, take the place of defaults.
    """
    found = {problem.field: problem.message for problem in reversed(problems)}
    offered = options or {}
    views = []
    for field in fields:
        name = prefix + field.name
        default = (proposals or {}).get(name, text_of(field.default))
        value = text_of(values.get(name, default))
        choices = offered.get(name) or [Option(value=c.value, label=c.label, about=c.help) for c in field.choices]
        view = FieldView(
            field=field,
            id=f"field-{name}",
            value=value,
            default=default,
            problem=found.get(name, ""),
            is_changed=not field.required and not _means_the_same(value, default),
            options=tuple(choices),
            check_url=check_url,
        )
        views.append(view)
    return tuple(views)


def grouped(views: Iterable[FieldView], *, leave_out: Collection[str] = ()) -> tuple[FieldGroup, ...]:
    """Fields by the heading they declare, in the order in which headings appear."""
    groups: dict[str, list[FieldView]] = {}
    for view in views:
        if view.name not in leave_out:
            groups.setdefault(view.field.group, []).append(view)
    return tuple(FieldGroup(title=title, fields=tuple(members)) for title, members in groups.items())


def at_level(views: Iterable[FieldView], level: Level) -> tuple[FieldView, ...]:
    """What a level shows: its own fields and those below it, and whatever is wrong, so that it can be mended."""
    return tuple(view for view in views if is_shown(view, level) or view.problem)


def is_shown(view: FieldView, level: Level) -> bool:
    return LEVELS.index(view.field.level) <= LEVELS.index(level)


def level_tabs(views: Sequence[FieldView], current: Level) -> tuple[LevelTab, ...]:
    return tuple(
        LevelTab(level=level, num_fields=sum(is_shown(view, level) for view in views), is_current=level == current)
        for level in LEVELS
    )


def text_of(value: object) -> str:
    """A value as the text in its field."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return format_number(value) if isinstance(value, int | float) else str(value)


def _means_the_same(value: str, default: str) -> bool:
    if value.strip() == default:
        return True
    try:
        return float(value) == float(default)
    except ValueError:
        return False
