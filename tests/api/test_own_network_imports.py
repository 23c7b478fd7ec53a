"""A text of our own comes in with its weights as safetensors, a run begins with them, and hostile ones are refused."""

from __future__ import annotations

import io
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save

from tenfold.client import Client, InvalidError

from .conftest import Site

TEXT = """language 1
network little "with weights of its own"
param classes = 3 in 2..1000
input image = image(3, 24, 24)
conv1 = conv(4, 3)
relu
global_avg_pool
fc = dense(classes)
output logits
"""
WEIGHTS = {
    "conv1.weight": np.full((4, 3, 3, 3), 0.5, np.float16),
    "conv1.bias": np.zeros(4, np.float64),
    "fc.weight": np.ones((5, 4), np.float32),
    "elsewhere": np.ones(2, np.int64),
}
CANARY: list[str] = []


def bring(client: Client, folder: Path, weights: bytes, text: str = TEXT, name: str = "") -> dict[str, object]:
    """What the network's file said, of a network that was brought in."""
    (folder / "little.network").write_text(text, "utf-8")
    (folder / "w.safetensors").write_bytes(weights)
    made = client.networks.import_files(folder / "little.network", weights=folder / "w.safetensors", name=name or None)
    assert (made.state, made.text) == ("ready", text)
    return made.imported


def test_what_fits_is_kept_in_single_precision_and_the_rest_is_counted(
    client: Client, tmp_path: Path, site: Site
) -> None:
    about = bring(client, tmp_path, save(WEIGHTS), name="kept")["weights"]
    assert isinstance(about, dict)
    counts = {word: about[f"num_{word}"] for word in ("loaded", "missing", "unexpected", "unfit")}
    assert counts == {"loaded": 2, "missing": 1, "unexpected": 1, "unfit": 1}
    assert (about["missing"], about["unexpected"], about["unfit"]) == (["fc.bias"], ["elsewhere"], ["fc.weight"])
    (file,) = (site.home / "data" / "artifacts" / "weights" / about["id"]).glob("*.safetensors")
    tensors = load_file(file)
    assert {name: (tensor.dtype.name, float(tensor.mean())) for name, tensor in tensors.items()} == {
        "conv1.weight": ("float32", 0.5),
        "conv1.bias": ("float32", 0.0),
    }


def test_paths_that_the_text_says_were_renamed_are_found(client: Client, tmp_path: Path) -> None:
    text = TEXT.replace("conv1 = ", "first = ") + "renamed conv1 to first\n"
    about = bring(client, tmp_path, save(WEIGHTS), text, "moved")["weights"]
    assert isinstance(about, dict)
    assert about["num_loaded"] == 2


def test_weights_that_are_no_numbers_are_told(client: Client, tmp_path: Path) -> None:
    lame = {**WEIGHTS, "conv1.bias": np.array([0, np.nan, np.inf, 1], np.float32)}
    (note,) = bring(client, tmp_path, save(lame), name="lame")["notes"]  # type: ignore[misc, attr-defined]
    assert str(note).startswith("`conv1.bias` of w.safetensors: 2 of 4 values are NaN or infinite.")


class Harmful:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return CANARY.append, ("executed",)


def header(text: bytes, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(text) if length is None else length) + text


def pickled() -> bytes:
    content = io.BytesIO()
    pickle.dump(Harmful(), content)
    return content.getvalue()


WHOLE = save(WEIGHTS)
LIE = b'{"fc.weight":{"dtype":"F32","shape":[5,4],"data_offsets":[%d,%d]}}'
HOSTILE = {
    "empty": b"",
    "torn": WHOLE[:-3],
    "torn in its header": WHOLE[:40],
    "no json": header(b"{" * 100),
    "a long header": header(b"{}", 2**63),
    "a header of 99 MB": header(b'{"a":' + b"[" * 99, 99_000_000),
    "outside of the file": header(LIE % (0, 2**40)) + bytes(80),
    "backwards": header(LIE % (80, 0)) + bytes(80),
    "another size": header(LIE % (0, 8)) + bytes(8),
    "pickled": pickled(),
    "nothing that fits": save({"other": np.ones(3, np.float32)}),
    "no tensors": save({}),
    "whole numbers": save({"conv1.bias": np.zeros(4, np.int32)}),
    "bfloat": header(b'{"conv1.bias":{"dtype":"BF16","shape":[4],"data_offsets":[0,8]}}') + bytes(8),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_weights_that_are_none_are_refused_by_name_and_nothing_is_kept(
    client: Client, tmp_path: Path, site: Site, name: str
) -> None:
    kept = site.home / "data" / "artifacts" / "weights"
    before = sorted(kept.glob("*"))
    with pytest.raises(InvalidError, match=r"w\.safetensors") as error:
        bring(client, tmp_path, HOSTILE[name], name="hostile")
    assert [each.field for each in error.value.problem.errors] == ["weights"]
    assert sorted(kept.glob("*")) == before
    assert CANARY == []
    assert "hostile" not in [each.name for each in client.networks.list()]


def test_a_text_with_a_mistake_is_refused_by_its_line(client: Client, tmp_path: Path) -> None:
    with pytest.raises(InvalidError) as error:
        bring(client, tmp_path, WHOLE, TEXT.replace("dense(classes)", "dance(classes)"))
    assert [each.line for each in error.value.problem.errors] == [8]


def test_a_solver_of_caffe_is_refused_beside_it(client: Client, tmp_path: Path) -> None:
    for file, content in (("a.network", TEXT), ("s.prototxt", "base_lr: 1")):
        (tmp_path / file).write_text(content, "utf-8")
    with pytest.raises(InvalidError, match="leave it out"):
        client.networks.import_files(tmp_path / "a.network", solver=tmp_path / "s.prototxt")
