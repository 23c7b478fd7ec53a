"""Reads expressions and calls from tokens: Python's expressions, by precedence, and none of Python's statements."""

from __future__ import annotations

import math
from collections.abc import Callable

from tenfold.core.networks.lexer import Token, TooLate, tokenise
from tenfold.core.networks.limits import (
    MAX_BRACKETS,
    MAX_EXPRESSION_DEPTH,
    MAX_INTEGER,
    MAX_LIST,
    MAX_NAME_LENGTH,
    MAX_OPERATORS,
)
from tenfold.core.networks.problems import Mistake, ProblemList, QuickFix, TextEdit
from tenfold.core.networks.source import Span
from tenfold.core.networks.syntax import (
    Argument,
    Binary,
    Call,
    Conditional,
    Constant,
    Domain,
    Expression,
    Function,
    Indexed,
    ListOf,
    Name,
    Reference,
    Unary,
    Variable,
)

STATEMENT_WORDS = frozenset(
    {"language", "network", "param", "let", "input", "output", "default", "pretrained", "renamed", "block"}
)
CLAUSE_WORDS = frozenset({"from", "repeat", "when", "to"})
EXPRESSION_WORDS = frozenset({"if", "else", "and", "or", "not", "true", "false", "none", "in", "step"})
RESERVED = STATEMENT_WORDS | CLAUSE_WORDS | EXPRESSION_WORDS

_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "none": None}
_LEVELS = (
    frozenset({"or"}),
    frozenset({"and"}),
    frozenset({"=="}),  # the level of `not` and of comparisons, which do not chain
    frozenset({"+", "-"}),
    frozenset({"*", "/", "//", "%"}),
)
_NOT_LEVEL = 2
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
_MAX_NUMBER_CHARACTERS = 64
_CLOSING = {"(": ")", "[": "]"}
_AFTER_A_VALUE = frozenset({",", ")", "]", ""})


class SyntaxFault(Exception):
    """The statement cannot be read further."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(mistake.message)
        self.mistake = mistake


class ExpressionParser:
    """A position in the tokens, and the rules for everything below a statement."""

    _ASK_EVERY = 1024

    def __init__(
        self, tokens: list[Token], problems: ProblemList, end: int, is_late: Callable[[], bool] = lambda: False
    ) -> None:
        sentinel = Token("newline", "", end, end, 0)
        self.tokens = [*tokens, sentinel, sentinel]
        self.problems = problems
        self.index = 0
        self.token = self.tokens[0]
        self._brackets = 0
        self._is_late = is_late

    # position

    @property
    def is_at_end(self) -> bool:
        return self.index >= len(self.tokens) - 2

    @property
    def previous(self) -> Token:
        return self.tokens[self.index - 1]

    @property
    def following(self) -> Token:
        return self.tokens[self.index + 1]

    def advance(self) -> Token:
        token = self.token
        if not self.is_at_end:
            self.index += 1
            self.token = self.tokens[self.index]
            if self.index % self._ASK_EVERY == 0 and self._is_late():
                raise TooLate
        return token

    def at(self, *texts: str) -> bool:
        return self.token.text in texts and self.token.kind in {"name", "sign"}

    def accept(self, *texts: str) -> Token | None:
        return self.advance() if self.at(*texts) else None

    def expect(self, text: str, where: str) -> Token:
        if not self.at(text):
            raise self.fault("network.syntax", f"`{text}` is expected {where}, not {self.shown()}.")
        return self.advance()

    def shown(self) -> str:
        """The present token in words."""
        token = self.token
        if token.kind == "newline":
            return "the end of the line"
        return f"`{token.text[:20]}{'...' if len(token.text) > 20 else ''}`"

    def fault(self, code: str, message: str, span: Span | None = None) -> SyntaxFault:
        return SyntaxFault(Mistake(code, message, span or self.token.span))

    # names and references

    def name(self, what: str, *, extra: frozenset[str] = frozenset()) -> Name:
        """A name that is free to be declared; `extra` are reserved words that may stand here."""
        token = self.token
        if token.kind == "bad":
            raise self.fault(
                "network.character", f"Names have only letters a to z, digits and `_`, not {self.shown()}."
            )
        if token.kind != "name":
            raise self.fault("network.syntax", f"A name is expected {what}, not {self.shown()}.")
        if token.text in RESERVED - extra:
            raise self.fault("network.reserved", f"`{token.text}` is a word of the language: choose another name.")
        self._check_length(token)
        self.advance()
        return Name(token.text, token.span)

    def _check_length(self, token: Token) -> None:
        if len(token.text) > MAX_NAME_LENGTH:
            message = f"This name has {len(token.text)} characters; at most {MAX_NAME_LENGTH} are allowed."
            raise self.fault("network.limit", message, token.span)

    def reference(self) -> Reference:
        first = self.name("after `from`", extra=frozenset({"input"}))
        parts, end = [first.text], first.span
        while self.accept("."):
            token = self.token
            if token.kind not in {"name", "number"}:
                raise self.fault("network.syntax", f"A name or an index is expected after the dot, not {self.shown()}.")
            self._check_length(token)
            parts.append(token.text)
            end = self.advance().span
        return Reference(tuple(parts), first.span.to(end))

    # calls

    def call(self) -> Call:
        token = self.token
        if token.kind != "name":
            raise self.fault("network.syntax", f"A layer or block is expected, not {self.shown()}.")
        if token.text in RESERVED:
            message = f"A layer or block is expected, but `{token.text}` is a word of the language."
            raise self.fault("network.reserved", message)
        self._check_length(token)
        self.advance()
        name = Name(token.text, token.span)
        if not self.at("("):
            return Call(name, (), False, token.span)
        arguments = self.arguments()
        return Call(name, arguments, True, token.span.to(self.previous.span))

    def arguments(self) -> tuple[Argument, ...]:
        """`( ... )`, positional before named."""
        opening = self.advance()
        arguments: list[Argument] = []
        self._enter()
        while not self.at(")"):
            if self._is_unclosed():
                break
            arguments.append(self._argument(arguments))
            if not self._has_next(opening, len(arguments)):
                break
        self._leave(opening)
        return tuple(arguments)

    def _argument(self, earlier: list[Argument]) -> Argument:
        name, start = None, self.token
        if self.token.kind == "name" and self.following.text == "=":
            self._check_length(self.token)
            name = Name(self.token.text, self.token.span)
            self.advance()
            self.advance()
        value = self.expression()
        if name is None and earlier and earlier[-1].name is not None:
            raise self.fault(
                "network.argument-order", "Arguments without a name stand before those with one.", value.span
            )
        return Argument(name, value, start.span.to(self.previous.span))

    # brackets

    def _enter(self) -> None:
        self._brackets += 1
        if self._brackets > MAX_BRACKETS:
            raise self.fault("network.limit", f"Brackets go at most {MAX_BRACKETS} deep.")

    def _is_unclosed(self) -> bool:
        return self.token.kind == "newline" or self.at("{", "}")

    def _has_next(self, opening: Token, count: int) -> bool:
        if count > MAX_LIST:
            raise self.fault("network.limit", f"A list has at most {MAX_LIST} values.", opening.span)
        if self.accept(","):
            return True
        if self.at(_CLOSING[opening.text]) or self._is_unclosed():
            return False
        closing = _CLOSING[opening.text]
        raise self.fault("network.syntax", f"`,` or `{closing}` is expected here, not {self.shown()}.")

    def _leave(self, opening: Token) -> None:
        self._brackets -= 1
        closing = _CLOSING[opening.text]
        if self.accept(closing):
            return
        if not self._is_unclosed():
            raise self.fault("network.syntax", f"`{closing}` is expected here, not {self.shown()}.")
        end = self.previous.end
        fix = QuickFix(f"Put `{closing}` at the end of the line", (TextEdit(end, end, closing),))
        message = f"This bracket is never closed: put `{closing}` at the end of its line."
        self.problems.add(Mistake("network.unclosed-bracket", message, opening.span, fixes=(fix,)))

    # expressions

    def expression(self) -> Expression:
        if self.following.text in _AFTER_A_VALUE and self.token.kind in {"number", "name", "text"}:
            return self._atom()
        value = self._operators(0)
        if not self.accept("if"):
            return value
        test = self._operators(0)
        self.expect("else", "after the condition")
        self._enter()
        otherwise = self.expression()
        self._brackets -= 1
        depth = self._depth(value, test, otherwise)
        return Conditional(value.span.to(otherwise.span), value, test, otherwise, depth=depth)

    def _depth(self, *parts: Expression) -> int:
        depth = 1 + max((part.depth for part in parts), default=0)
        if depth > MAX_EXPRESSION_DEPTH:
            raise self.fault("network.limit", f"An expression is nested at most {MAX_EXPRESSION_DEPTH} deep.")
        return depth

    def _operators(self, level: int) -> Expression:
        if level == len(_LEVELS):
            return self._unary()
        if level == _NOT_LEVEL:
            return self._comparison()
        left = self._operators(level + 1)
        count = 0
        while self.at(*_LEVELS[level]):
            count += 1
            if count > MAX_OPERATORS:
                raise self.fault("network.limit", f"At most {MAX_OPERATORS} operators stand in a row.")
            operator = self.advance().text
            right = self._operators(level + 1)
            left = Binary(left.span.to(right.span), operator, left, right, depth=self._depth(left, right))
        return left

    def _comparison(self) -> Expression:
        if self.at("not"):
            return self._prefixed()
        left = self._operators(_NOT_LEVEL + 1)
        if not self.at(*_COMPARISONS):
            return left
        operator = self.advance().text
        right = self._operators(_NOT_LEVEL + 1)
        if self.at(*_COMPARISONS):
            raise self.fault("network.syntax", "Compare two values at a time: join comparisons with `and`.")
        return Binary(left.span.to(right.span), operator, left, right, depth=self._depth(left, right))

    def _unary(self) -> Expression:
        return self._prefixed() if self.at("-") else self._postfix()

    def _prefixed(self) -> Expression:
        token = self.advance()
        self._enter()
        operand = self._comparison() if token.text == "not" else self._unary()
        self._brackets -= 1
        return Unary(token.span.to(operand.span), token.text, operand, depth=self._depth(operand))

    def _postfix(self) -> Expression:
        value = self._atom()
        while self.at("["):
            opening = self.advance()
            self._enter()
            index = self.expression()
            self._leave(opening)
            value = Indexed(value.span.to(self.previous.span), value, index, depth=self._depth(value, index))
        return value

    def _atom(self) -> Expression:
        token = self.token
        if token.kind == "number":
            return self._number()
        if token.kind == "text":
            return Constant(token.span, self.text())
        if token.kind == "name":
            return self._word()
        if self.at("(", "["):
            return self._bracketed()
        if token.kind == "bad":
            raise self.fault("network.character", f"{self.shown()} has no meaning here.")
        raise self.fault("network.syntax", f"A value is expected here, not {self.shown()}.")

    def _number(self) -> Constant:
        token = self.advance()
        if len(token.text) > _MAX_NUMBER_CHARACTERS:
            message = f"A number has at most {_MAX_NUMBER_CHARACTERS} characters."
            raise self.fault("network.limit", message, token.span)
        value = int(token.text) if token.text.isdigit() else float(token.text)
        if not math.isfinite(value) or (isinstance(value, int) and value > MAX_INTEGER):
            raise self.fault("network.number", f"{token.text} is too large: at most 2^53 is allowed.", token.span)
        return Constant(token.span, value)

    def text(self) -> str:
        """The text between quotation marks."""
        token = self.advance()
        if len(token.text) < 2 or not token.text.endswith('"'):
            fix = QuickFix('Put `"` at the end of the line', (TextEdit(token.end, token.end, '"'),))
            message = 'This text is never closed: put `"` at its end.'
            raise SyntaxFault(Mistake("network.unclosed-text", message, token.span, fixes=(fix,)))
        return token.text[1:-1]

    def _word(self) -> Expression:
        token = self.token
        if token.text in _CONSTANTS:
            self.advance()
            return Constant(token.span, _CONSTANTS[token.text])
        if token.text in RESERVED - {"input"}:
            raise self.fault(
                "network.reserved", f"A value is expected here, but `{token.text}` is a word of the language."
            )
        self._check_length(token)
        self.advance()
        if not self.at("("):
            return Variable(token.span, token.text)
        arguments = self.arguments()
        named = next((argument for argument in arguments if argument.name is not None), None)
        if named is not None:
            raise self.fault("network.syntax", f"The arguments of `{token.text}` have no names.", named.span)
        values = tuple(argument.value for argument in arguments)
        return Function(token.span.to(self.previous.span), token.text, values, depth=self._depth(*values))

    def _bracketed(self) -> Expression:
        opening = self.advance()
        self._enter()
        if opening.text == "(":
            inner = self.expression()
            self._leave(opening)
            return inner
        items: list[Expression] = []
        while not self.at("]") and not self._is_unclosed():
            items.append(self.expression())
            if not self._has_next(opening, len(items)):
                break
        self._leave(opening)
        return ListOf(opening.span.to(self.previous.span), tuple(items), depth=self._depth(*items))

    def domain(self) -> Domain:
        """`low..high`, `low..high step s`, or a list."""
        start = self.token
        low = self._operators(_NOT_LEVEL + 1)
        if isinstance(low, ListOf) and not self.at(".."):
            return Domain(None, None, None, low, low.span)
        if not self.accept(".."):
            raise self.fault(
                "network.domain", "After `in` stands a range, as in `1..512`, or a list, as in `[relu, tanh]`."
            )
        high = self._operators(_NOT_LEVEL + 1)
        step = self._operators(_NOT_LEVEL + 1) if self.accept("step") else None
        return Domain(low, high, step, None, start.span.to(self.previous.span))


def read_expression(text: str) -> Expression | None:
    """The expression that a text is as a whole, without comments; nothing where it is none."""
    tokens, comments = tokenise(text)
    problems = ProblemList(text)
    parser = ExpressionParser(tokens, problems, len(text))
    try:
        expression = parser.expression()
    except SyntaxFault:
        return None
    is_whole = parser.index == len(tokens) - 1
    return expression if is_whole and not comments and not problems.in_order() else None
