"""The unpacked download, run as a stranger runs it, gives the numbers of the torch module and of the page."""

import io
import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import tifffile
import torch
from real_photos import real_photos

from tenfold.adapters.formats.catalogue import read_catalogue
from tenfold.adapters.formats.download import build_download
from tenfold.adapters.frameworks.torch.builder import build_module, load_module
from tenfold.adapters.imaging.pillow import PillowDecoder
from tenfold.adapters.runtimes.onnxruntime import OnnxPredictor
from tenfold.bootstrap.worker import make_toolbox
from tenfold.core.datasets.preprocessing import Preprocessing, image_preprocessing
from tenfold.core.errors import BadImage, Damaged
from tenfold.core.export.contents import CONTENTS
from tenfold.core.export.trained_model import TrainedModel
from tenfold.core.networks.analysis import require_graph
from tenfold.core.training.task import Evaluation
from tenfold.testing.picture_files import encode, make_photo, with_orientation

CLASSES = ("cat", "dog | wolf", "лиса", "b*r*", "e", "f", "g")
RGB = image_preprocessing(width=32, height=28, channels=3, resize="crop", background=(200, 10, 30))
PREPROCESSING = RGB.with_normalisation(mean=[0.48, 0.45, 0.40], std=[0.22, 0.21, 0.25])


def trained(classes=CLASSES, preprocessing=PREPROCESSING):
    """LeNet with weights of some size, so that probabilities differ from picture to picture."""
    text = next(entry.text for entry in read_catalogue() if entry.name == "lenet")
    graph = require_graph(text, parameters={"classes": len(classes)}, input_shapes={"image": (3, 28, 32)})
    weights = {key: tensor.numpy() * 1.5 for key, tensor in build_module(graph, seed=3).state_dict().items()}
    report = {"classes": [{"name": name, "support": 3, "precision": 0.5, "recall": None} for name in classes]}
    return TrainedModel(
        name="first",
        task="classification",
        dataset="pets",
        revision="rev_0",
        network="lenet",
        network_text=text,
        parameters={"width1": 20},
        graph=graph,
        weights=weights,
        classes=classes,
        preprocessing=preprocessing.to_json(),
        evaluation=Evaluation({"accuracy": 0.9, "loss": 0.3}, report),
        tested_on="test",
        spec={"epochs": 3, "early_stop": None},
        step=120,
        epochs_done=3.0,
        versions={"torch": torch.__version__},
    )


PHOTO = make_photo(210, 170, seed=4)
ALPHA = np.dstack([PHOTO, np.tile(np.arange(210, dtype=np.uint8), (170, 1))])
PICTURES = {
    "420.jpg": encode(PHOTO, "JPEG", quality=88, subsampling="4:2:0"),
    "rotated.jpg": with_orientation(encode(PHOTO, "JPEG", subsampling="4:2:0"), 6),
    "alpha.png": encode(ALPHA),
    "grey.png": encode(PHOTO[:, :, 0]),
    "small.png": encode(make_photo(20, 9)),
    **real_photos(),
}


@pytest.fixture(scope="module")
def model():
    return trained()


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    target = tmp_path_factory.mktemp("model")
    make_toolbox().write_model(model, target, report=lambda _done, _total: None)
    return target


@pytest.fixture(scope="module")
def unpacked(folder, tmp_path_factory):
    target = tmp_path_factory.mktemp("unpacked")
    (folder / "manifest.sha256.json").write_text("{}")
    blocks = list(build_download(folder, "first"))
    with zipfile.ZipFile(io.BytesIO(b"".join(blocks))) as archive:
        assert archive.testzip() is None
        archive.extractall(target)
    for name, data in PICTURES.items():
        (target / name).write_bytes(data)
    return target


@pytest.fixture(scope="module")
def expected(model):
    """Probabilities of the torch module on the reference's pixels."""
    module = load_module(model.graph, model.weights).eval()
    preprocessing = Preprocessing.from_json(model.preprocessing)
    images = np.stack([PillowDecoder().decode(data, preprocessing) for data in PICTURES.values()])
    scaled = (images.astype(np.float32) / 255 - [0.48, 0.45, 0.40]) / [0.22, 0.21, 0.25]
    with torch.inference_mode():
        logits = module(torch.from_numpy(scaled.astype(np.float32)).permute(0, 3, 1, 2))
    rows = torch.softmax(logits, 1).tolist()
    return {name: dict(zip(CLASSES, row, strict=True)) for name, row in zip(PICTURES, rows, strict=True)}


def run_alone(folder, *arguments):
    """Python in the folder with nothing of Tenfold to be found and torch forbidden."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


SNIPPET = """
import sys
for name in ("torch", "tenfold", "onnx", "simplejpeg"):
    sys.modules[name] = None
from predict import Model
model = Model()
import json
print(json.dumps({name: model.classify("../" + name) for name in sys.argv[1:]}))
"""


def test_the_download_gives_the_numbers_of_the_network(unpacked, expected):
    done = run_alone(unpacked / "first", "-c", SNIPPET, *PICTURES)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for name, ranked in found.items():
        assert [probability for _, probability in ranked] == sorted((p for _, p in ranked), reverse=True)
        for label, probability in ranked:
            assert abs(probability - expected[name][label]) <= 1e-4, (name, label)
    assert len({round(ranked[0][1], 3) for ranked in found.values()}) > 1


def test_the_page_gives_the_numbers_of_the_download(folder, expected):
    predictor = OnnxPredictor(PillowDecoder())
    for truth, ranked in zip(expected.values(), predictor.classify(folder, list(PICTURES.values())), strict=True):
        found = [each.probability for each in ranked]
        assert found == sorted(found, reverse=True)
        assert {each.label for each in ranked} == set(CLASSES)
        for each in ranked:
            assert abs(each.probability - truth[each.label]) <= 1e-4
    predictor.close()


def test_the_program_prints_the_five_likeliest_and_names_what_it_cannot_read(unpacked, expected):
    (unpacked / "broken.jpg").write_bytes(b"no picture")
    done = run_alone(unpacked / "first", "predict.py", "../420.jpg", "../broken.jpg", "../gone.png", "../alpha.png")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert (lines[0], lines[6], len(lines)) == ("../420.jpg", "../alpha.png", 12)
    label, probability = max(expected["420.jpg"].items(), key=lambda item: item[1])
    assert lines[1] == f"  {probability:8.4%}  {label}"
    assert "../broken.jpg: This is no picture of a known format" in done.stderr
    assert "gone.png" in done.stderr
    assert "Traceback" not in done.stderr
    assert run_alone(unpacked / "first", "predict.py").returncode == 2


def test_the_download_holds_what_it_says_and_nothing_else(unpacked):
    assert {path.name for path in (unpacked / "first").iterdir()} == set(CONTENTS)
    assert json.loads((unpacked / "first" / "metrics.json").read_text())["onnx_difference"] <= 1e-5
    assert "Apache License" in (unpacked / "first" / "LICENSE").read_text()
    script = (unpacked / "first" / "predict.py").read_text()
    assert "tenfold." not in script
    assert script.startswith('"""Classifies pictures')


def test_the_same_model_gives_the_same_archive_in_blocks(folder):
    one, two = (list(build_download(folder, "first")) for _ in range(2))
    assert one == two
    assert max(map(len, one)) < 2_200_000
    with pytest.raises(Damaged, match=r"model first has no MODEL_CARD\.md"):
        build_download(folder.parent, "first")


def test_a_bad_picture_and_a_damaged_model_are_named(folder, tmp_path):
    predictor = OnnxPredictor(PillowDecoder())
    with pytest.raises(BadImage):
        predictor.classify(folder, [b"no picture"])
    for name in ("preprocessing.json", "labels.txt", "model.onnx"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "labels.txt").write_text("one\ntwo\n")
    with pytest.raises(Damaged, match="do not belong together"):
        predictor.classify(tmp_path, [PICTURES["small.png"]])
    predictor.close()
    (tmp_path / "model.onnx").write_bytes(b"broken")
    with pytest.raises(Damaged, match="cannot be loaded"):
        predictor.classify(tmp_path, [PICTURES["small.png"]])


def test_the_card_has_no_empty_heading(folder):
    lines = (folder / "MODEL_CARD.md").read_text().splitlines()
    headings = [place for place, line in enumerate(lines) if line.startswith("#")]
    for place, following in zip(headings, [*headings[1:], len(lines)], strict=True):
        assert any(lines[place + 1 : following]), lines[place]
    assert "| dog \\| wolf | 3 | 0.5 |  |" in lines


def test_a_download_of_deep_pixels_reads_them_as_the_page_does(tmp_path):
    wide = image_preprocessing(width=32, height=28, channels=3, resize="half", depth="uint16")
    normalised = wide.with_normalisation(mean=[0.48, 0.45, 0.40], std=[0.22, 0.21, 0.25])
    folder = tmp_path / "model"
    folder.mkdir()
    make_toolbox().write_model(trained(preprocessing=normalised), folder, report=lambda *_: None)
    values = make_photo(40, 30, seed=5).astype(np.uint16) * 257 + 77
    pictures = {"wide.tiff": values, "planes.tiff": values.transpose(2, 0, 1)}
    for name, array in pictures.items():
        tifffile.imwrite(
            tmp_path / name, array, photometric="rgb", planarconfig="separate" if "planes" in name else None
        )
    done = run_alone(folder, "-c", SNIPPET, *pictures)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    data = [(tmp_path / name).read_bytes() for name in pictures]
    for name, ranked in zip(pictures, OnnxPredictor(PillowDecoder()).classify(folder, data), strict=True):
        assert dict(found[name]) == pytest.approx({each.label: each.probability for each in ranked}, abs=1e-6)
    assert found["wide.tiff"] == found["planes.tiff"]
    assert "tifffile" in (folder / "predict.py").read_text().partition("import")[0]
    assert "pip install onnxruntime numpy pillow tifffile" in (folder / "MODEL_CARD.md").read_text()
    without = run_alone(folder, "-c", SNIPPET.replace('"onnx",', '"onnx", "tifffile",'), "planes.tiff")
    assert "needs the package tifffile" in without.stderr
