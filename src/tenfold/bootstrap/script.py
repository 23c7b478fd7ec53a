"""`predict.py` as it is put into a model's folder."""

from __future__ import annotations

from importlib.resources import files

from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.export.script import predict_script


def script_for(preprocessing: Preprocessing) -> str:
    """From sources that are read and not imported: they need onnxruntime."""
    sources = files("tenfold.adapters.imaging")
    names = ("reference.py", "predict.py", "deep.py")
    reference, main, deep = (sources.joinpath(name).read_text("utf-8") for name in names)
    return predict_script(reference, main, deep="" if preprocessing.is_plain else deep)
