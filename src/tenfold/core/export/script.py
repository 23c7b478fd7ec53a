"""`predict.py` of a download: the reference of preprocessing and a short main part, joined into one file."""

from __future__ import annotations

import ast

_NEEDS, _NEEDS_MORE = (
    "Needs only onnxruntime, numpy and Pillow:",
    ("Needs only onnxruntime, numpy and Pillow, and tifffile for\nTIFF files that Pillow cannot read whole:"),
)


def predict_script(reference: str, main: str, *, deep: str = "") -> str:
    """One module from the sources of two, `main`'s docstring on top; what `main` imports from Tenfold is the other.

    `deep` is the source for pixels over 8 bits or of other channels, which takes the place of what it defines again.
    """
    docstring = ast.get_docstring(ast.parse(main), clean=False) or ""
    if deep:
        docstring = docstring.replace(_NEEDS, _NEEDS_MORE).replace("numpy pillow\n", "numpy pillow tifffile\n")
    parts = [
        f'"""{docstring}"""\n\nfrom __future__ import annotations',
        _body(reference),
        *([_body(deep)] if deep else []),
    ]
    return "\n\n".join([*parts, _body(main)]).rstrip("\n") + "\n"


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
