"""The budgets of CONTRIBUTING.md. A limit may be lowered here; raising one takes an ADR."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
SCRIPTS = sorted((ROOT / "frontend" / "src").rglob("*.js"))

MAX_FILE_LINES = 600
MAX_BODY_LINES = 60
MAX_SHARE_OVER_50 = 0.03
MAX_BROAD_EXCEPTS_PER_1000 = 1.0
MIN_TEST_SHARE = 0.46  # a ratchet: raised with every stage until it stands at 0.8, which CONTRIBUTING.md asks for
MAX_SCRIPT_LINES = 300
MAX_ALL_SCRIPT_LINES = 4000
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc", "manager", "base"}
BROAD_ALLOWED = ("src/tenfold/bootstrap/", "src/tenfold/worker/", "src/tenfold/services/desk.py")


def lines_of(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def functions() -> Iterator[tuple[str, int]]:
    for path in SOURCES:
        if "migrations" in path.parts:  # a migration is a list, not a function
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
                yield f"{path.relative_to(ROOT)}:{node.name}", node.end_lineno - first.lineno + 1


@pytest.mark.parametrize("path", [*SOURCES, *TESTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_can_be_read_in_one_sitting(path: Path) -> None:
    limit = MAX_FILE_LINES if path in SOURCES else 1000
    assert lines_of(path) <= limit


def test_function_bodies_are_short() -> None:
    bodies = list(functions())
    assert [body for body in bodies if body[1] > MAX_BODY_LINES] == []
    over = [name for name, length in bodies if length > 50]
    assert len(over) / len(bodies) < MAX_SHARE_OVER_50, over


def test_broad_excepts_are_few_and_where_they_may_be() -> None:
    found = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                names = {
                    each.id for each in ast.walk(node.type or ast.Name("BaseException")) if isinstance(each, ast.Name)
                }
                reraises = any(isinstance(each, ast.Raise) and each.exc is None for each in ast.walk(node))
                if names & {"Exception", "BaseException"} and not reraises:
                    found.append(str(path.relative_to(ROOT)))
    assert [path for path in found if not path.startswith(BROAD_ALLOWED)] == []
    total = sum(lines_of(path) for path in SOURCES)
    assert len(found) <= MAX_BROAD_EXCEPTS_PER_1000 * total / 1000


def test_modules_import_each_other_without_cycles() -> None:
    graph = grimp.build_graph("tenfold", include_external_packages=False)
    importers = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert _cycle(importers) == []


def test_modules_have_names_that_say_something() -> None:
    assert [str(path) for path in SOURCES if path.stem in FORBIDDEN_NAMES] == []


def test_there_is_about_a_line_of_test_for_a_line_of_source() -> None:
    sources = sum(lines_of(path) for path in SOURCES if "migrations" not in path.parts)
    assert sum(lines_of(path) for path in TESTS) >= MIN_TEST_SHARE * sources


def test_scripts_stay_small() -> None:
    sizes = {str(path.relative_to(ROOT)): lines_of(path) for path in SCRIPTS}
    assert {name: size for name, size in sizes.items() if size > MAX_SCRIPT_LINES} == {}
    assert sum(sizes.values()) <= MAX_ALL_SCRIPT_LINES


def _cycle(importers: dict[str, set[str]]) -> list[str]:
    """One cycle, or nothing; depth first with a path."""
    done: set[str] = set()
    for start, imported in importers.items():
        path: list[str] = []
        stack = [(start, iter(sorted(imported)))]
        while stack:
            module, rest = stack[-1]
            if module not in path:
                path.append(module)
            following = next((each for each in rest if each not in done), None)
            if following is None:
                done.add(module)
                path.pop()
                stack.pop()
            elif following in path:
                return [*path[path.index(following) :], following]
            else:
                stack.append((following, iter(sorted(importers.get(following, ())))))
    return []
