"""Where a text says its weights come from: `pretrained` names sources, `renamed` paths that have moved."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tenfold.core.networks.arguments import match_arguments
from tenfold.core.networks.evaluator import Evaluator, Fault, Scope
from tenfold.core.networks.problems import Mistake, nearest, replacement
from tenfold.core.networks.source import Span
from tenfold.core.networks.syntax import (
    BlockStatement,
    BrokenStatement,
    LayerStatement,
    PretrainedStatement,
    Reference,
    RenamedStatement,
    Statement,
)

_WORD = r"(?!\.)(?!.*\.\.)[A-Za-z0-9._-]{1,128}"
_SOURCES = {
    "catalogue": (re.compile(rf"(?P<name>{_WORD})"), "catalogue:NAME"),
    "hub": (re.compile(rf"(?P<name>{_WORD}/{_WORD})(?:@(?P<revision>{_WORD}))?"), "hub:OWNER/REPO@REVISION"),
    "model": (re.compile(rf"(?P<name>{_WORD})"), "model:NAME"),
    "folder": (re.compile(rf"(?P<name>(?:{_WORD}/){{0,8}}{_WORD})"), "folder:NAME"),
    "upload": (re.compile(rf"(?P<name>{_WORD})"), "upload:ID"),
}
SOURCE_FORMS = tuple(form for _, form in _SOURCES.values())


@dataclass(frozen=True)
class Pretrained:
    """One source of weights: its kind (`catalogue`, `hub`, `folder`, `model`, `upload`), what it is called there, the
    paths that are left out, the layers that it covers (none: all) and the line that says so."""

    kind: str
    name: str
    revision: str = ""
    skip: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    line: int = 1

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}{'@' * bool(self.revision)}{self.revision}"


@dataclass
class WeightSources:
    """What the `pretrained` and `renamed` statements of a file say, in its order."""

    statements: Sequence[Statement]
    evaluator: Evaluator
    report: Callable[[Mistake], None]
    pretrained: list[Pretrained] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    _named: dict[str, Mapping[str, LayerStatement | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._named[""] = _layers(self.statements)
        for item in self.statements:
            if isinstance(item, BlockStatement):
                self._named.setdefault(item.name.text, _layers(item.statements))

    def read_pretrained(self, statement: PretrainedStatement, scope: Scope, line: int) -> None:
        """Adds a source, or reports what is wrong with it."""
        try:
            kind, name, revision = _source(statement)
            skip = self._skip(statement, scope)
        except Fault as fault:
            if fault.mistake is not None:
                self.report(fault.mistake)
            return
        if all([self._is_known(reference) for reference in statement.layers]):
            layers = tuple(str(reference) for reference in statement.layers)
            self.pretrained.append(Pretrained(kind, name, revision, skip, layers, line))

    def read_renamed(self, statement: RenamedStatement) -> None:
        """Adds a moved path, or reports what is wrong with it."""
        old = str(statement.old)
        if old in self.renamed:
            text = f"`{old}` is renamed twice: it became `{self.renamed[old]}` above."
            self.report(Mistake("network.renamed-twice", text, statement.old.span))
        elif self._is_known(statement.new):
            self.renamed[old] = str(statement.new)

    def _skip(self, statement: PretrainedStatement, scope: Scope) -> tuple[str, ...]:
        given = match_arguments("pretrained", ("skip",), (), statement.arguments, scope)
        if "skip" not in given.expressions:
            return ()
        expression, _ = given.expressions["skip"]
        value = self.evaluator.evaluate(expression, scope)
        paths = value if isinstance(value, list) else [value]
        if not all(isinstance(path, str) for path in paths):
            text = '`skip` of `pretrained` is a list of paths, as in `skip=["head", "fc"]`.'
            raise Fault(Mistake("network.value-type", text, expression.span))
        return tuple(str(path) for path in paths)

    def _is_known(self, reference: Reference) -> bool:
        """Whether a path leads to a layer of the text, also to one that is switched off just now."""
        named, shown = self._named[""], ""
        for part in reference.parts:
            if part.isdigit():
                continue
            if part not in named:
                self.report(_unknown(reference, part, shown, named))
                return False
            layer = named[part]
            if layer is None:
                return True
            shown = f"{shown}.{part}" if shown else part
            named = self._named.get(layer.call.name.text, {})
        return True


def _source(statement: PretrainedStatement) -> tuple[str, str, str]:
    """Kind, name and revision; raises `Fault` for a path, a URL and whatever else is no source."""
    kind, _, rest = statement.source.partition(":")
    span = _source_span(statement)
    pattern, form = _SOURCES.get(kind, (None, ""))
    match = pattern.fullmatch(rest) if pattern is not None else None
    if match is None:
        allowed = ", ".join(f"`{each}`" for each in SOURCE_FORMS)
        text = f"`{statement.source[:60]}` is no source of weights. Allowed: {allowed}; no paths and no addresses."
        if pattern is not None:
            text = f"`{statement.source[:60]}` is no source of weights: it is written `{form}`."
        raise Fault(Mistake("network.pretrained-source", text, span, SOURCE_FORMS))
    found = match.groupdict()
    if kind == "hub" and not found["revision"]:
        text = f"`{statement.source}` names no revision, so its weights could change: write `{form}`."
        raise Fault(Mistake("network.pretrained-revision", text, span, SOURCE_FORMS))
    return kind, found["name"], found.get("revision") or ""


def _source_span(statement: PretrainedStatement) -> Span:
    return Span(statement.span.start, statement.span.start + len("pretrained"))


def _layers(scope: Sequence[Statement]) -> Mapping[str, LayerStatement | None]:
    """Layers by name; nothing for one that could not be read."""
    named: dict[str, LayerStatement | None] = {}
    for item in scope:
        if isinstance(item, LayerStatement) and item.name is not None:
            named.setdefault(item.name.text, item)
        elif isinstance(item, BrokenStatement) and item.name is not None:
            named.setdefault(item.name.text, None)
    return named


def _unknown(reference: Reference, part: str, shown: str, named: Mapping[str, object]) -> Mistake:
    near = nearest(part, named)
    hint = f", perhaps `{near}`" if near else ""
    where = f" in `{shown}`" if shown else ""
    is_whole = near is not None and len(reference.parts) == 1
    fixes = (replacement(reference.span, near),) if near is not None and is_whole else ()
    return Mistake(
        "network.unknown-layer-path", f"There is no layer `{part}`{where}{hint}.", reference.span, fixes=fixes
    )
