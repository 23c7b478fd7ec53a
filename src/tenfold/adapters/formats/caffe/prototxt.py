"""Protobuf's text format as Caffe's files use it (protobuf.dev, Text Format Language), read as data with lines."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tenfold.core.errors import BadNetwork

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_FIELDS = 50_000
MAX_TOKENS = 200_000
_MAX_INTEGER = 2**53
_SHOWN = 40
_ASKED_EVERY = 256
_TOKEN = re.compile(
    r"""(?P<blank>[ \t\r\f\v]+|\#[^\n]*)
      | (?P<newline>\n)
      | (?P<word>[A-Za-z0-9_.+-]+)
      | (?P<text>"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*')
      | (?P<sign>[{}<>\[\]:,;])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\([0-7]{1,3}|x[0-9a-fA-F]{1,2}|.)")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CLOSING = {"{": "}", "<": ">"}


class Token(NamedTuple):
    """`kind` is `word`, `text`, `sign` or `end`; the text of a string is without quotes and escapes."""

    kind: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number, word or string as it is written."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a message with its line, from 1."""

    name: str
    value: Scalar | Message
    line: int


@dataclass(frozen=True, slots=True)
class Message:
    """A message: its fields in the order of the file. Of a field that is asked for once, the last one counts."""

    line: int
    fields: tuple[Field, ...] = ()

    def has(self, name: str) -> bool:
        return any(field.name == name for field in self.fields)

    def messages(self, name: str) -> list[Message]:
        """All messages of a name; raises `BadNetwork` where a field is none."""
        found = []
        for field in self.fields:
            if field.name == name:
                if not isinstance(field.value, Message):
                    raise unreadable(field.line, f"`{name}` is a value, but holds fields in braces.")
                found.append(field.value)
        return found

    def message(self, name: str) -> Message:
        """The message of a name, empty where there is none."""
        found = self.messages(name)
        return found[-1] if found else Message(self.line)

    def texts(self, name: str) -> list[str]:
        return [scalar.text for scalar in self._scalars(name)]

    def text(self, name: str, default: str = "") -> str:
        found = self._scalars(name)
        return found[-1].text if found else default

    def choice(self, name: str, choices: Sequence[str]) -> str:
        """One of the choices, written by name or number, the first where there is none; raises `BadNetwork`."""
        found = self._scalars(name)
        if not found:
            return choices[0]
        written = found[-1].text
        if written.isdecimal() and len(written) < 4 and int(written) < len(choices):
            return choices[int(written)]
        if written not in choices:
            allowed = ", ".join(choices)
            raise unreadable(found[-1].line, f"`{name}` is `{written[:_SHOWN]}`, allowed are {allowed}.")
        return written

    def flag(self, name: str, default: bool) -> bool:
        found = self._scalars(name)
        if not found:
            return default
        word = found[-1].text
        if word not in {"true", "false", "True", "False", "t", "f", "1", "0"}:
            raise unreadable(found[-1].line, f"`{name}` is `{word[:_SHOWN]}`, allowed are true and false.")
        return word in {"true", "True", "t", "1"}

    def numbers(self, name: str) -> list[float]:
        return [_number(name, scalar) for scalar in self._scalars(name)]

    def number(self, name: str, default: float) -> float:
        found = self.numbers(name)
        return found[-1] if found else default

    def integers(self, name: str) -> list[int]:
        return [_integer(name, scalar) for scalar in self._scalars(name)]

    def integer(self, name: str, default: int) -> int:
        found = self.integers(name)
        return found[-1] if found else default

    def _scalars(self, name: str) -> list[Scalar]:
        found = []
        for field in self.fields:
            if field.name == name:
                if not isinstance(field.value, Scalar):
                    raise unreadable(field.line, f"`{name}` holds fields in braces, but is one value.")
                found.append(field.value)
        return found


def never() -> bool:
    """The deadline of one who has all the time."""
    return False


def read_prototxt(content: str | bytes, is_late: Callable[[], bool] = never) -> Message:
    """The message of a text, without reading any other file; raises `BadNetwork` with the line of what is wrong.

    `is_late` is asked now and then; a text that takes too long has that error on the line where time was up.
    """
    size = len(content)
    if size > MAX_BYTES:
        line = content[:MAX_BYTES].count("\n" if isinstance(content, str) else b"\n") + 1  # type: ignore[arg-type]
        what = f"The text has {size:,} bytes; a network description of at most {MAX_BYTES:,} is read."
        raise too_much(line, what)
    if isinstance(content, bytes):
        content = content.decode("utf-8", "replace")
    return _Reader(_tokens(content.removeprefix("\ufeff"), is_late)).whole()


def unreadable(line: int, what: str) -> BadNetwork:
    """The error of a line of a Caffe file."""
    return BadNetwork(f"Line {line}: {what}", code="caffe.unreadable", line=line)


def too_much(line: int, what: str) -> BadNetwork:
    """The error of a text that is too long, or takes too long from a line on."""
    return BadNetwork(f"Line {line}: {what}", code="caffe.too-large", line=line)


def too_slow(line: int) -> BadNetwork:
    """The error of a text that is not read in time."""
    return too_much(line, "The text takes too long to read: make it shorter.")


def _tokens(text: str, is_late: Callable[[], bool]) -> Iterator[Token]:
    line, place, count = 1, 0, 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            shown = text[place : place + 12].split("\n", maxsplit=1)[0]
            what = "This string is never closed" if shown[0] in "\"'" else f"`{shown}` has no meaning here"
            raise unreadable(line, f"{what}.")
        kind, place = match.lastgroup, match.end()
        if kind == "newline":
            line += 1
        elif kind is not None and kind != "blank":
            count += 1
            if count > MAX_TOKENS:
                raise too_much(line, f"The text has more than {MAX_TOKENS:,} words and signs.")
            if count % _ASKED_EVERY == 0 and is_late():
                raise too_slow(line)
            is_text = kind == "text"
            yield Token(kind, _ESCAPE.sub(_unescaped, match[0][1:-1]) if is_text else match[0], line)
    while True:
        yield Token("end", "", line)


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] == "x" and len(code) > 1:
        return chr(int(code[1:], 16))
    if code[0] in "01234567":
        return chr(int(code, 8))
    return _ESCAPED.get(code, code)


class _Reader:
    def __init__(self, tokens: Iterator[Token]) -> None:
        self._tokens = tokens
        self._ahead = next(tokens)
        self._count = 0
        self._depth = 0

    def whole(self) -> Message:
        return Message(1, self._fields("", 0))

    def _peek(self) -> Token:
        return self._ahead

    def _next(self) -> Token:
        token, self._ahead = self._ahead, next(self._tokens)
        return token

    def _takes(self, signs: str) -> Token | None:
        token = self._peek()
        return self._next() if token.kind == "sign" and token.text in signs else None

    def _fields(self, closing: str, opened: int) -> tuple[Field, ...]:
        fields: list[Field] = []
        while True:
            token = self._next()
            if token.kind == "sign" and token.text == closing:
                return tuple(fields)
            if token.kind == "end":
                if closing:
                    raise unreadable(opened, f"This bracket is never closed: `{closing}` is missing.")
                return tuple(fields)
            if token.kind != "word" or not _NAME.fullmatch(token.text):
                raise unreadable(token.line, f"A field's name is expected, not `{token.text[:_SHOWN]}`.")
            fields.extend(self._field(token))
            self._takes(",;")

    def _field(self, name: Token) -> list[Field]:
        has_colon = self._takes(":") is not None
        if self._takes("["):
            return self._list(name)
        return [self._one(name, has_colon=has_colon)]

    def _list(self, name: Token) -> list[Field]:
        found: list[Field] = []
        if self._takes("]"):
            return found
        while True:
            found.append(self._one(name, has_colon=True))
            if self._takes("]"):
                return found
            if not self._takes(","):
                raise unreadable(self._peek().line, f"The list of `{name.text[:_SHOWN]}` is never closed.")

    def _one(self, name: Token, *, has_colon: bool) -> Field:
        self._count += 1
        if self._count > MAX_FIELDS:
            raise too_much(name.line, f"The text has more than {MAX_FIELDS:,} fields.")
        token = self._next()
        if token.kind == "sign" and token.text in _CLOSING:
            return Field(name.text, self._nested(token), name.line)
        if not has_colon or token.kind not in {"word", "text"}:
            raise unreadable(token.line, f"After `{name.text[:_SHOWN]}` comes a colon and a value, or a brace.")
        parts = [token.text]
        while token.kind == "text" and self._peek().kind == "text":
            parts.append(self._next().text)
        return Field(name.text, Scalar("".join(parts), token.line), name.line)

    def _nested(self, opening: Token) -> Message:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise unreadable(opening.line, f"Brackets are nested more than {MAX_DEPTH} deep.")
        fields = self._fields(_CLOSING[opening.text], opening.line)
        self._depth -= 1
        return Message(opening.line, fields)


def _number(name: str, scalar: Scalar) -> float:
    try:
        number = float(scalar.text.removesuffix("f"))
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or "_" in scalar.text:
        raise unreadable(scalar.line, f"`{name}` is `{scalar.text[:_SHOWN]}`, which is no finite number.")
    return number


def _integer(name: str, scalar: Scalar) -> int:
    number = _number(name, scalar)
    if not number.is_integer() or abs(number) > _MAX_INTEGER:
        raise unreadable(scalar.line, f"`{name}` is `{scalar.text[:_SHOWN]}`, which is no whole number in reach.")
    return int(number)
