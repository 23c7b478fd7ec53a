"""The model card: what a model is, from the facts of its training, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tenfold.core.datasets.preprocessing import Decode, Normalise, Preprocessing, Resize, Scale
from tenfold.core.events import Json
from tenfold.core.export.contents import contents
from tenfold.core.export.trained_model import TrainedModel
from tenfold.core.networks.custom import is_python

MAX_ROWS = 1000
_OWN_WORD = (
    "The network is written in Python. The process that executed its code wrote `model.onnx` and `model.safetensors` "
    "and measured these figures; Tenfold itself wrote the other files, outside of that process."
)


def model_card(model: TrainedModel) -> str:
    """The card; a heading stands only where there is something to say under it."""
    preprocessing = Preprocessing.from_json(model.preprocessing)
    sections = [
        (f"# {plain(model.name)}", _summary(model)),
        ("## How good it is", _results(model)),
        ("## What it was trained on", _data(model)),
        ("## How it was trained", _training(model)),
        ("## What is done to a picture", preprocessing_lines(preprocessing)),
        ("## How to use it", usage_lines(preprocessing)),
        ("## Files", [f"* `{name}`: {about}" for name, about in _files(model).items()]),
    ]
    return joined(sections)


def joined(sections: Sequence[tuple[str, list[str]]]) -> str:
    """Headings with their lines; one without any is left out."""
    return "\n".join("\n".join([heading, "", *lines, ""]) for heading, lines in sections if lines)


def _files(model: TrainedModel) -> Mapping[str, str]:
    return contents(is_python=is_python(model.network_text))


def _summary(model: TrainedModel) -> list[str]:
    channels, height, width = model.graph.inputs[0].shape
    preprocessing = Preprocessing.from_json(model.preprocessing)
    colours = {"grey": "grey", "rgb": "colour"}.get(preprocessing.decode.mode, f"{channels}-channel")
    text = (
        f"A {plain(model.task)} model with {len(model.classes)} classes: the network {plain(model.network)} with "
        f"{model.graph.parameters:,} trained weights. It takes {colours} pictures of {width} x {height} pixels."
    )
    if preprocessing.is_plain:
        return [text]
    return [text, "", "Its pictures are not plain 8-bit ones: some TIFF files need the package tifffile to be read."]


def _results(model: TrainedModel) -> list[str]:
    if model.evaluation is None:
        return []
    lines = [f"On the {model.tested_on} split:", "", *_table([{"figure": k, "value": v} for k, v in _metrics(model)])]
    for name, rows in model.evaluation.report.items():
        if isinstance(rows, list | tuple) and rows and all(_is_flat(row) for row in rows):
            lines += ["", f"By {_singular(name)}:", "", *_table(rows[:MAX_ROWS])]  # type: ignore[arg-type]
    return [*lines, "", _OWN_WORD] if is_python(model.network_text) else lines


def _metrics(model: TrainedModel) -> list[tuple[str, Json]]:
    metrics = model.evaluation.metrics if model.evaluation else {}
    return [(name.replace("_", " "), value) for name, value in metrics.items()]


def _data(model: TrainedModel) -> list[str]:
    names = ", ".join(plain(name) for name in model.classes[:100])
    more = f" and {len(model.classes) - 100} more" if len(model.classes) > 100 else ""
    return [f"Dataset {plain(model.dataset)}, revision `{model.revision}`.", "", f"Classes: {names}{more}."]


def _training(model: TrainedModel) -> list[str]:
    lines = [f"{model.epochs_done:g} epochs, {model.step:,} steps."]
    if model.parameters:
        chosen = ", ".join(f"{name} = {_value(value)}" for name, value in sorted(model.parameters.items()))
        lines += ["", f"Parameters of the network: {chosen}."]
    settings: list[Mapping[str, Json]] = [
        {"setting": name.replace("_", " "), "value": value} for name, value in model.spec.items() if value is not None
    ]
    versions = ", ".join(f"{name} {version}" for name, version in model.versions.items())
    return lines + (["", *_table(settings)] if settings else []) + (["", f"Made with {versions}."] if versions else [])


def preprocessing_lines(preprocessing: Preprocessing) -> list[str]:
    """What is done to a picture, step by step."""
    said = []
    for operation in preprocessing.operations:
        match operation:
            case Decode():
                said.append(_decoding(operation))
            case Resize(width=width, height=height, mode=mode):
                said.append(f"Resized to {width} x {height} ({mode}) by an antialiased bilinear filter.")
            case Scale(divide_by=divisor):
                said.append(f"Divided by {divisor:g}.")
            case Normalise(mean=mean, std=std):
                said.append(f"Per channel minus {_numbers(mean)}, divided by {_numbers(std)}.")
    return [f"{number}. {text}" for number, text in enumerate(said, 1)]


def _decoding(decode: Decode) -> str:
    depth = {"scale": "16 bits scaled to 8", "uint16": "kept in 16 bits", "float32": "numbers as in the file"}
    profile = {"ignore": "colour profile ignored", "srgb": "colours converted to sRGB by their profile"}
    channels = f"all {decode.channels} channels" if decode.mode == "all" else f"in {decode.mode}"
    shown = "" if decode.mode == "all" else f"transparency composited on {_colour(decode.background)}, "
    faster = ", JPEG made smaller while decoded" if decode.scaling == "dct" else ""
    return (
        f"Decoded: first frame, turned as its EXIF orientation says, {depth[decode.depth]}, {shown}"
        f"{profile[decode.profile]}, {channels}{faster}."
    )


def usage_lines(preprocessing: Preprocessing) -> list[str]:
    """How a download is used."""
    return [
        "```",
        f"pip install onnxruntime numpy pillow{'' if preprocessing.is_plain else ' tifffile'}",
        "python predict.py picture.jpg",
        "```",
        "",
        "or from Python:",
        "",
        "```python",
        "from predict import Model",
        "model = Model()",
        'print(model.classify("picture.jpg"))',
        "```",
    ]


def _table(rows: Sequence[Mapping[str, Json]]) -> list[str]:
    """Rows with the same keys as a Markdown table."""
    columns = list(rows[0])
    lines = [f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}"]
    return lines + [f"| {' | '.join(_value(row.get(column)) for column in columns)} |" for row in rows]


def _is_flat(row: object) -> bool:
    return isinstance(row, Mapping) and not any(isinstance(value, list | dict) for value in row.values())


def _singular(name: str) -> str:
    return {"classes": "class"}.get(name, name.replace("_", " "))


def _value(value: Json) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else plain(str(value))


def plain(text: str) -> str:
    """A text that Markdown shows as it is."""
    escaped = "".join(f"\\{char}" if char in "\\`*_{}[]<>#|" else char for char in text)
    return " ".join(escaped.split())


def _colour(background: Sequence[int]) -> str:
    return "#" + bytes(background).hex()


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)
