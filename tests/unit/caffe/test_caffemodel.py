"""Weights of a caffemodel: three formats read alike, each tensor in its place, damage refused by name."""

import contextlib
import mmap
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file
from unit.caffe.caffe_texts import Chain, layer, lenet, picture
from unit.caffe.caffe_weights import (
    caffemodel,
    first_caffemodel,
    old_blob,
    second_caffemodel,
    sized,
    varint,
    whole,
)

from tenfold.adapters.formats.caffe.blobs import Floats
from tenfold.adapters.formats.caffe.caffemodel import place_blobs, read_caffemodel
from tenfold.adapters.formats.caffe.network_import import import_network
from tenfold.adapters.formats.caffe.reading import read_caffe
from tenfold.adapters.formats.caffe.wire import MAX_FIELDS
from tenfold.adapters.formats.files.tensor_file import write_tensors
from tenfold.core.errors import BadNetwork
from tenfold.core.networks.importing import ForeignFile, ForeignFiles, NetworkImport
from tenfold.core.networks.weights import WEIGHTS_FILE

DRAWN = np.random.default_rng(3)


def drawn(*shape: int) -> Floats:
    return DRAWN.normal(size=shape).astype(np.float32)


LENET = {
    "conv1": (drawn(20, 1, 5, 5), drawn(20)),
    "conv2": (drawn(50, 20, 5, 5), drawn(50)),
    "ip1": (drawn(500, 800), drawn(500)),
    "ip2": (drawn(10, 500), drawn(10)),
}


@pytest.mark.parametrize("encode", [caffemodel, second_caffemodel, first_caffemodel])
def test_every_format_fills_every_tensor(encode: Callable[[Mapping[str, Sequence[Floats]]], bytes]) -> None:
    small = {**LENET, "ip1": (LENET["ip1"][0][:4], LENET["ip1"][1][:4]), "ip2": (drawn(10, 4), drawn(10))}
    chain = lenet(picture(1, 28))
    network = import_network(chain.text.replace("num_output: 500", "num_output: 4"))
    weights = place_blobs(network, read_caffemodel(encode(small)))
    assert (weights.missing, weights.unexpected, weights.unfit) == ((), (), ())
    for name, (weight, bias) in small.items():
        assert np.array_equal(weights.tensors[f"{name}.weight"], weight)
        assert np.array_equal(weights.tensors[f"{name}.bias"], bias)


def test_what_is_missing_unexpected_and_unfit_is_listed() -> None:
    network = import_network(lenet(picture(1, 28)).text)
    others = {"conv1": LENET["conv1"], "conv2": (drawn(20, 50, 5, 5), drawn(50)), "other": (drawn(3),)}
    weights = place_blobs(network, read_caffemodel(caffemodel(others)))
    assert weights.missing == ("ip1.weight", "ip1.bias", "ip2.weight", "ip2.bias")
    assert weights.unexpected == ("other",)
    assert weights.unfit == ("`conv2.weight` is 50 x 20 x 5 x 5, but the file has 20 x 50 x 5 x 5 for `conv2`.",)


def test_statistics_are_divided_by_their_count_and_scale_becomes_batch_norm() -> None:
    chain = Chain("bn", picture(2, 4)).add("bn", "BatchNorm").add("sc", "Scale", "scale_param { bias_term: true }")
    network = import_network(chain.text)
    mean, var, gamma, beta = drawn(2), np.abs(drawn(2)), drawn(2), drawn(2)
    blobs = {"bn": (mean, var, np.array([4], np.float32)), "sc": (gamma, beta)}
    tensors = place_blobs(network, read_caffemodel(caffemodel(blobs))).tensors
    assert np.allclose(tensors["bn.running_mean"], mean / 4)
    assert np.allclose(tensors["bn.running_var"], var / 4)
    assert np.array_equal(tensors["bn.weight"], gamma)
    assert np.array_equal(tensors["bn.bias"], beta)
    assert network.names["sc"] == "bn"


def test_transposed_matrices_shared_factors_and_constants_find_their_form() -> None:
    chain = Chain("forms", picture(3, 2)).add("n", "Normalize", "norm_param { across_spatial: false }")
    chain.add("p", "Power", "power_param { scale: 0.5 shift: 2 }").add("slope", "PReLU")
    chain.dense("d", 5, "transpose: true bias_term: false")
    network = import_network(chain.text)
    matrix, slopes = drawn(12, 5), drawn(3)
    blobs = {"n": (np.array([20], np.float32),), "slope": (slopes,), "d": (matrix,)}
    weights = place_blobs(network, read_caffemodel(caffemodel(blobs)))
    assert weights.missing == ()
    assert np.array_equal(weights.tensors["d.weight"], matrix.T)
    assert np.array_equal(weights.tensors["n.weight"], [20, 20, 20])
    assert np.array_equal(weights.tensors["p.weight"], [0.5, 0.5, 0.5])
    assert np.array_equal(weights.tensors["p.bias"], [2, 2, 2])
    assert np.array_equal(weights.tensors["slope.weight"], slopes)


def test_layers_of_one_name_of_parameters_share_their_weights() -> None:
    shared = 'param { name: "w" } param { name: "b" } inner_product_param { num_output: 3 }'
    text = picture(2, 4) + layer("cut", "Slice", ["data"], ["one", "two"], "slice_param { slice_point: 1 }")
    text += layer("left", "InnerProduct", ["one"], body=shared) + layer("right", "InnerProduct", ["two"], body=shared)
    text += layer("loss", "ContrastiveLoss", ["left", "right", "label"], ["loss"])
    network = import_network(text)
    assert network.graph.parameters == 16 * 3 + 3
    assert "right = share(left)" in network.text
    weights = place_blobs(network, read_caffemodel(caffemodel({"left": (drawn(3, 16), drawn(3))})))
    assert weights.missing == ()


TEN = [index / 10 for index in range(10)]


@pytest.mark.parametrize("share", TEN)
def test_a_file_cut_off_is_refused_or_lacks_layers(share: float) -> None:
    content = caffemodel({name: blobs for name, blobs in LENET.items() if name != "ip1"})
    with pytest.raises(BadNetwork, match=r"damaged|no layer"):
        read_caffemodel(content[: int(len(content) * share)])


def shaped(*sizes: int, values: bytes = b"\0" * 4) -> bytes:
    shape = sized(7, sized(1, b"".join(map(varint, sizes))))
    return sized(100, sized(1, b"a") + sized(7, shape + sized(5, values)))


HOSTILE = {
    "empty": (b"", "no layer"),
    "text": (b'name: "LeNet"', "byte"),
    "length": (varint(100 << 3 | 2) + varint(2**60) + b"x", "ends outside"),
    "sizes": (shaped(2**40, 2**40), "has 1 values"),
    "axes": (shaped(*[1] * 10_000), "more than 32 sizes"),
    "odd": (shaped(1, values=b"123"), "row of numbers"),
    "endless": (b"\xff" * 100, "no end"),
    "groups": (varint(100 << 3 | 3) + b"xx", "no type of field"),
    "fields": (whole(3, 0) * (MAX_FIELDS + 1), "fields"),
    "layers": (sized(100, b"") * 10_001, "layers"),
    "blobs": (sized(100, sized(7, b"") * 65), "blobs"),
    "floats": (sized(100, sized(7, varint(5 << 3 | 5) + b"12")), "cut off"),
    "alternating": ((b"\x2d1234\x3d1234" * MAX_FIELDS), "fields"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_by_name(name: str) -> None:
    content, words = HOSTILE[name]
    with pytest.raises(BadNetwork, match=words):
        read_caffemodel(content)


@pytest.mark.parametrize("name", ["length", "sizes", "axes", "blobs"])
def test_lying_counts_ask_for_no_memory(name: str) -> None:
    tracemalloc.start()
    try:
        with contextlib.suppress(BadNetwork):
            read_caffemodel(HOSTILE[name][0])
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


SMALL = caffemodel({"a": (drawn(2, 3), drawn(2))}) + second_caffemodel({"b": (drawn(2),)}) + old_blob(drawn(1))


@given(st.binary(max_size=30), st.integers(0, len(SMALL)), st.integers(0, 12))
def test_any_bytes_are_read_or_refused_by_name(noise: bytes, place: int, gone: int) -> None:
    with contextlib.suppress(BadNetwork):
        layers = read_caffemodel(SMALL[:place] + noise + SMALL[place + gone :])
        assert all(isinstance(name, str) for name in layers)


def mapped(path: Path, content: bytes) -> memoryview:
    path.write_bytes(content)
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


@pytest.mark.parametrize("encode", [caffemodel, second_caffemodel, first_caffemodel])
def test_a_large_file_goes_through_in_little_memory(
    encode: Callable[[Mapping[str, Sequence[Floats]]], bytes], tmp_path: Path
) -> None:
    chain = Chain("wide", picture(1, 40)).dense("ip", 1000)
    weight = np.arange(1_600_000, dtype=np.float32).reshape(1000, 1600)
    content = mapped(tmp_path / "wide.caffemodel", encode({"ip": (weight, drawn(1000))}))
    files = ForeignFiles(
        network=ForeignFile("wide.prototxt", chain.text.encode()), weights=ForeignFile("wide.caffemodel", content)
    )
    tracemalloc.start()
    try:
        read = read_caffe(files, NetworkImport(), lambda: False)
        assert read.write_weights is not None
        read.write_weights(tmp_path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5_500_000 < len(content)
    kept = load_file(tmp_path / WEIGHTS_FILE)
    assert np.array_equal(kept["ip.weight"], weight)
    assert kept["ip.bias"].shape == (1000,)


def test_tensors_in_pieces_are_written_as_they_are(tmp_path: Path) -> None:
    pieces = {"one": [drawn(3), drawn(1)], "none": [], "two": [drawn(2, 3)]}
    shapes = {"one": (2, 2), "none": (0,), "two": (2, 3)}
    write_tensors(tmp_path / "t.safetensors", shapes, lambda name: pieces[name])
    kept = load_file(tmp_path / "t.safetensors")
    assert np.array_equal(kept["one"], np.concatenate(pieces["one"]).reshape(2, 2))
    assert np.array_equal(kept["two"], pieces["two"][0])
    assert kept["none"].shape == (0,)
    with pytest.raises(ValueError, match="one has 4 values, not 6"):
        write_tensors(tmp_path / "t.safetensors", {"one": (2, 3)}, lambda name: pieces[name])


def test_weights_that_are_no_numbers_are_told_and_a_file_of_nothing_else_is_refused() -> None:
    network = lenet(picture(1, 28))
    sound = {"conv1": (drawn(20, 1, 5, 5), drawn(20)), "conv2": (drawn(50, 20, 5, 5), drawn(50))}

    def read(layers: Mapping[str, Sequence[Floats]]) -> list[str]:
        files = ForeignFiles(
            network=ForeignFile("net.prototxt", network.text.encode()),
            weights=ForeignFile("net.caffemodel", caffemodel(layers)),
        )
        notes = read_caffe(files, NetworkImport(), lambda: False).facts["notes"]
        assert isinstance(notes, list)
        return [str(note) for note in notes if "NaN" in str(note)]

    assert read(sound) == []
    sound["conv2"][0][0, 0, 0, :2] = np.nan, np.inf
    (note,) = read(sound)
    assert note.startswith("`conv2.weight` of net.caffemodel: 2 of 25,000 values are NaN or infinite.")
    with pytest.raises(BadNetwork, match=r"net.caffemodel: all of its values are NaN or infinite"):
        read({"conv1": (np.full((20, 1, 5, 5), np.nan, np.float32),)})
