"""What Tenfold itself puts into a model's folder: the program that uses it, and what it was made with."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files

from tenfold import __version__
from tenfold.bootstrap.tasks import FrameworkParts
from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.export.script import predict_script


def predict_text(preprocessing: Preprocessing) -> str:
    """`predict.py`, from sources that are read and not imported: they need onnxruntime."""
    sources = files("tenfold.adapters.imaging")
    names = ("reference.py", "predict.py", "deep.py")
    reference, main, deep = (sources.joinpath(name).read_text("utf-8") for name in names)
    return predict_script(reference, main, deep="" if preprocessing.is_plain else deep)


def versions_of(parts: FrameworkParts) -> dict[str, str]:
    """Tenfold's comes from its code: in another environment it is not installed."""
    found = {"tenfold": __version__}
    for package in parts.packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
