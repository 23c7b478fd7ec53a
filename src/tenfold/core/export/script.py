"""`predict.py` of a download: the reference of preprocessing and a short main part, joined into one file."""

from __future__ import annotations

import ast


def predict_script(reference: str, main: str) -> str:
    """One module from the sources of two, `main`'s docstring on top; what `main` imports from Tenfold is the other."""
    docstring = ast.get_docstring(ast.parse(main), clean=False)
    head = f'"""{docstring}"""\n\nfrom __future__ import annotations\n'
    return "\n\n".join([head.rstrip("\n"), _body(reference), _body(main)]).rstrip("\n") + "\n"


def _body(source: str) -> str:
    """The source without docstring, `from __future__` and imports from Tenfold."""
    lines = source.splitlines()
    for place, node in enumerate(ast.parse(source).body):
        is_docstring = place == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
        if is_docstring or module == "__future__" or module.split(".")[0] == "tenfold":
            last = node.end_lineno or node.lineno
            lines[node.lineno - 1 : last] = [""] * (last - node.lineno + 1)
    return "\n".join(lines).strip("\n")
