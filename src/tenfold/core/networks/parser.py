"""Parses a network text into statements. Bad text never raises: each mistake becomes a problem and reading goes on at
the next line, so that one half-typed line costs one statement."""

from __future__ import annotations

from collections.abc import Callable

from tenfold.core.networks.expression_parser import RESERVED, STATEMENT_WORDS, ExpressionParser, SyntaxFault
from tenfold.core.networks.lexer import Token, TooLate, tokenise
from tenfold.core.networks.limits import MAX_TEXT_BYTES
from tenfold.core.networks.problems import Mistake, ProblemList, QuickFix, TextEdit
from tenfold.core.networks.source import Span
from tenfold.core.networks.syntax import (
    BlockStatement,
    BrokenStatement,
    DefaultStatement,
    Definition,
    Domain,
    Formal,
    InputStatement,
    LanguageStatement,
    LayerStatement,
    LetStatement,
    Name,
    NetworkStatement,
    OutputStatement,
    ParamStatement,
    PretrainedStatement,
    Reference,
    RenamedStatement,
    Statement,
)

_ENDS_BLOCK = frozenset({"block", "param", "network"})
_INNER = frozenset({"let", "output"})
_ONLY_IN_FILE = STATEMENT_WORDS - _INNER


def parse(text: str, is_late: Callable[[], bool] = lambda: False) -> Definition:
    """The statements of a text, with its syntax problems.

    One that is too large, or takes too long by `is_late`, has that one problem and no statements.
    """
    size = len(text.encode("utf-8", "replace"))
    if size > MAX_TEXT_BYTES:
        message = f"The text has {size} bytes; at most {MAX_TEXT_BYTES} (256 kB) are allowed."
        return _unread(Mistake("network.limit", message, Span(0, 0)))
    problems = ProblemList(text)
    try:
        tokens, comments = tokenise(text, is_late)
        statements = _StatementParser(tokens, problems, len(text), is_late).file()
    except TooLate:
        return _unread(Mistake("network.slow", "Reading this text takes too long: make it shorter.", Span(0, 0)))
    return Definition(text, statements, tuple(comments), problems.in_order())


def _unread(mistake: Mistake) -> Definition:
    problems = ProblemList("")
    problems.add(mistake)
    return Definition("", (), (), problems.in_order(), is_read=False)


class _StatementParser(ExpressionParser):
    """The rules of statements and blocks."""

    def file(self) -> tuple[Statement, ...]:
        statements: list[Statement] = []
        while not self.is_at_end and not self.problems.is_full:
            if self.at("block") and not self._declares():
                statements.extend(self._block())
            elif self.at("}"):
                self._stray_brace()
            else:
                statements.append(self._statement(_STATEMENTS))
        return tuple(statements)

    def _statement(self, rules: dict[str, Callable[[_StatementParser, Token], Statement]]) -> Statement:
        start, begin = self.token, self.index
        keyword = start.text if start.kind == "name" and start.text in RESERVED else ""
        try:
            if keyword and self._declares():
                raise self.fault("network.reserved", f"`{keyword}` is a word of the language: choose another name.")
            rule = rules.get(keyword, _StatementParser._layer)
            statement = rule(self, start)
            if self.token.kind != "newline":
                raise self._unexpected()
        except SyntaxFault as fault:
            self.problems.add(fault.mistake)
            statement = self._broken(keyword, begin)
        self._skip_line()
        return statement

    def _unexpected(self) -> SyntaxFault:
        if self.token.kind == "bad":
            return self.fault("network.character", f"{self.shown()} has no meaning here.")
        if self.at("="):
            return self.fault("network.syntax", "Only one name stands before `=`.")
        return self.fault("network.syntax", f"The line should end here, but {self.shown()} follows.")

    def _declares(self) -> bool:
        """Whether the word here is followed by `=`, so that it was meant as a name."""
        return self.following.text == "="

    def _broken(self, keyword: str, begin: int) -> BrokenStatement:
        """What is left of a statement that could not be read: its span and the name it declares."""
        while self.token.kind != "newline":
            self.advance()
        line = self.tokens[begin : self.index]
        candidate = line[1:2] if keyword else line[:1]
        is_named = keyword != "" or (len(line) > 1 and line[1].text == "=")
        name = None
        if is_named and candidate and candidate[0].kind == "name":
            name = Name(candidate[0].text, candidate[0].span)
        self._brackets = 0
        return BrokenStatement(span=line[0].span.to(line[-1].span), keyword=keyword, name=name)

    def _skip_line(self) -> None:
        while self.token.kind != "newline":
            self.advance()
        self.advance()

    def _stray_brace(self) -> None:
        message = "There is no open block that this `}` could close."
        self.problems.add(Mistake("network.stray-brace", message, self.token.span))
        self._skip_line()

    def _span(self, start: Token) -> Span:
        return start.span.to(self.previous.span)

    # one rule a statement

    def _language(self, start: Token) -> Statement:
        self.advance()
        if self.token.kind != "number" or not self.token.text.isdigit():
            raise self.fault(
                "network.syntax", f"`language` is followed by a number, as in `language 1`, not {self.shown()}."
            )
        number = self._number().value
        return LanguageStatement(span=self._span(start), number=int(number or 0))

    def _network(self, start: Token) -> Statement:
        self.advance()
        name = self.name("after `network`")
        title = self.text() if self.token.kind == "text" else ""
        return NetworkStatement(span=self._span(start), name=name, title=title)

    def _param(self, start: Token) -> Statement:
        self.advance()
        name = self.name("after `param`")
        self.expect("=", "after the name of a parameter")
        default = self.expression()
        domain = self.domain() if self.accept("in") else None
        words = self.text() if self.token.kind == "text" else ""
        return ParamStatement(span=self._span(start), name=name, default=default, domain=domain, help=words)

    def _let(self, start: Token) -> Statement:
        self.advance()
        name = self.name("after `let`")
        self.expect("=", "after the name of a value")
        return LetStatement(name=name, value=self.expression(), span=self._span(start))

    def _input(self, start: Token) -> Statement:
        self.advance()
        name = self.name("after `input`")
        self.expect("=", "after the name of an input")
        return InputStatement(name=name, call=self.call(), span=self._span(start))

    def _output(self, start: Token) -> Statement:
        self.advance()
        name = self.name("after `output`")
        arguments = self.arguments() if self.at("(") else ()
        source = self.reference() if self.accept("from") else None
        when = self.expression() if self.accept("when") else None
        return OutputStatement(span=self._span(start), name=name, arguments=arguments, source=source, when=when)

    def _default(self, start: Token) -> Statement:
        self.advance()
        return DefaultStatement(call=self.call(), span=self._span(start))

    def _pretrained(self, start: Token) -> Statement:
        self.advance()
        if self.token.kind != "text":
            raise self.fault("network.syntax", f'A source in `"` is expected after `pretrained`, not {self.shown()}.')
        source = self.text()
        arguments = self.arguments() if self.at("(") else ()
        layers = self._references() if self.accept("from") else ()
        return PretrainedStatement(span=self._span(start), source=source, arguments=arguments, layers=layers)

    def _renamed(self, start: Token) -> Statement:
        self.advance()
        old = self.reference()
        self.expect("to", "after the old name")
        return RenamedStatement(old=old, new=self.reference(), span=self._span(start))

    def _layer(self, start: Token) -> Statement:
        name = None
        if self._declares():
            name = self.name("before `=`")
            self.advance()
        call = self.call()
        sources = self._references() if self.accept("from") else ()
        repeat = self.expression() if self.accept("repeat") else None
        when = self.expression() if self.accept("when") else None
        return LayerStatement(span=self._span(start), name=name, call=call, sources=sources, repeat=repeat, when=when)

    def _references(self) -> tuple[Reference, ...]:
        references = [self.reference()]
        while self.accept(","):
            references.append(self.reference())
        return tuple(references)

    # blocks

    def _block(self) -> list[Statement]:
        """A block; layers that were swallowed because its brace is missing are handed back after it."""
        start, begin = self.token, self.index
        try:
            name, formals, inputs = self._header()
            is_broken = False
        except SyntaxFault as fault:
            self.problems.add(fault.mistake)
            broken = self._broken("block", begin)
            if not self._body_follows(start):
                self._skip_line()
                return [broken]
            name, formals, inputs, is_broken = broken.name or Name("", start.span), (), (), True
        span = start.span.to(self.previous.span)
        self._skip_line()
        statements, close = self._body(start.indent)
        rest: list[Statement] = []
        if close is None:
            statements, rest = self._split_unclosed(start, statements)
            self._report_unclosed(name, start, statements)
        block = BlockStatement(
            span=span,
            name=name,
            formals=formals,
            inputs=inputs,
            statements=tuple(statements),
            close=close,
            is_broken=is_broken,
        )
        return [block, *rest]

    def _header(self) -> tuple[Name, tuple[Formal, ...], tuple[Name, ...]]:
        self.advance()
        name = self.name("after `block`")
        if not self.at("("):
            raise self.fault("network.syntax", f"`(` is expected after the name of a block, not {self.shown()}.")
        formals = self._formals()
        inputs: list[Name] = []
        if self.accept("from"):
            inputs.append(self.name("after `from`", extra=frozenset({"input"})))
            while self.accept(","):
                inputs.append(self.name("after `,`", extra=frozenset({"input"})))
        self.expect("{", "at the end of a block's first line")
        if self.token.kind != "newline":
            raise self.fault("network.syntax", "Each layer of a block stands on a line of its own, below `{`.")
        return name, formals, tuple(inputs)

    def _formals(self) -> tuple[Formal, ...]:
        opening = self.advance()
        formals: list[Formal] = []
        self._enter()
        while not self.at(")") and not self._is_unclosed():
            name = self.name("in the brackets of a block")
            default = self.expression() if self.accept("=") else None
            domain: Domain | None = self.domain() if self.accept("in") else None
            formals.append(Formal(name=name, default=default, domain=domain, span=name.span.to(self.previous.span)))
            if not self._has_next(opening, len(formals)):
                break
        self._leave(opening)
        return tuple(formals)

    def _body_follows(self, start: Token) -> bool:
        return self.previous.text == "{" or self.following.indent > start.indent

    def _body(self, indent: int) -> tuple[list[Statement], Span | None]:
        statements: list[Statement] = []
        while not self.is_at_end:
            if self.at("}"):
                close = self.advance().span
                if self.token.kind != "newline":
                    self.problems.add(self._unexpected().mistake)
                self._skip_line()
                return statements, close
            if self._ends_block(indent):
                break
            statements.append(self._statement(_INNER_STATEMENTS))
        return statements, None

    def _ends_block(self, indent: int) -> bool:
        """Whether a statement of the file begins here, so that the block's brace must be missing."""
        if self._declares():
            return False
        return self.at(*_ENDS_BLOCK) or (self.at(*_ONLY_IN_FILE) and self.token.indent <= indent)

    def _split_unclosed(self, start: Token, statements: list[Statement]) -> tuple[list[Statement], list[Statement]]:
        """Lines indented no more than the block's own are taken as layers of the file."""
        lines = self.problems.lines
        own = lines.position(start.start)[1]
        columns = [lines.position(statement.span.start)[1] for statement in statements]
        if not columns or columns[0] <= own:
            return statements, []
        cut = next((index for index, column in enumerate(columns) if column <= own), len(columns))
        return statements[:cut], statements[cut:]

    def _report_unclosed(self, name: Name, start: Token, statements: list[Statement]) -> None:
        lines = self.problems.lines
        last = statements[-1].span.end if statements else start.end
        end = lines.line_end(last)
        fix = QuickFix("Close the block", (TextEdit(end, end, f"\n{lines.indent(start.start)}}}"),))
        after = f"after its last layer (line {lines.line(last)})" if statements else "after its layers"
        message = f"Block `{name.text}` is not closed: put `}}` {after}."
        self.problems.add(Mistake("network.unclosed-block", message, start.span, fixes=(fix,)))


def _misplaced(parser: _StatementParser, start: Token) -> Statement:
    raise parser.fault("network.misplaced", f"`{start.text}` cannot stand inside a block: move it out.", start.span)


_STATEMENTS: dict[str, Callable[[_StatementParser, Token], Statement]] = {
    "language": _StatementParser._language,
    "network": _StatementParser._network,
    "param": _StatementParser._param,
    "let": _StatementParser._let,
    "input": _StatementParser._input,
    "output": _StatementParser._output,
    "default": _StatementParser._default,
    "pretrained": _StatementParser._pretrained,
    "renamed": _StatementParser._renamed,
}
_INNER_STATEMENTS = {
    **{word: _misplaced for word in _STATEMENTS if word not in _INNER},
    **{word: _STATEMENTS[word] for word in _INNER},
}
