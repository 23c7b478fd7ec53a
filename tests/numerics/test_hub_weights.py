"""Backbones in folders of the hub's layout give the logits that `transformers` computes with the same files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from tenfold.adapters.formats.catalogue import read_catalogue
from tenfold.adapters.formats.hub_layout import HubFolder, HubFolders
from tenfold.adapters.frameworks.torch.builder import load_module
from tenfold.core.errors import BadNetwork, Damaged, Forbidden, NotFound, TenfoldError
from tenfold.core.networks.analysis import require_graph
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.networks.pretraining import Pretrained
from tenfold.core.networks.weights import WeightOrigin, carry_weights, require_same_heads

if TYPE_CHECKING:
    from transformers import PreTrainedModel, ResNetConfig

TOLERANCE = 1e-4
SIDE = 64
CATALOGUE = {entry.name: entry.text for entry in read_catalogue()}
FEW = {"num_labels": 5}
BACKBONES = ("resnet50", "resnet18", "convnext", "vit")


def narrow_resnet(layer_type: str, widths: list[int], depths: list[int]) -> ResNetConfig:
    import transformers as hub  # takes as long to load as torch: only the process that runs these tests pays for it

    return hub.ResNetConfig(embedding_size=8, hidden_sizes=widths, depths=depths, layer_type=layer_type, **FEW)


def backbone(name: str) -> tuple[str, type[PreTrainedModel], object, Mapping[str, object]]:
    """Our network, the class of the library with its configuration, and our parameters that make the same."""
    import transformers as hub

    if name == "resnet50":
        config = narrow_resnet("bottleneck", [32, 64, 128, 256], [2, 1, 2, 1])
        return "resnet50", hub.ResNetForImageClassification, config, {"width": 8, "depths": [2, 1, 2, 1]}
    if name == "resnet18":
        config = narrow_resnet("basic", [8, 16, 32, 64], [1, 2, 1, 1])
        return "resnet18", hub.ResNetForImageClassification, config, {"width": 8, "depths": [1, 2, 1, 1]}
    if name == "convnext":
        scaled = {"layer_scale_init_value": 0.5, **FEW}
        convnext = hub.ConvNextConfig(hidden_sizes=[8, 16, 32, 64], depths=[1, 1, 2, 1], **scaled)
        return "convnext_tiny", hub.ConvNextForImageClassification, convnext, {"width": 8, "depths": [1, 1, 2, 1]}
    vit = hub.ViTConfig(
        hidden_size=64, num_hidden_layers=2, num_attention_heads=2, intermediate_size=256, image_size=SIDE, **FEW
    )
    return "vit_tiny", hub.ViTForImageClassification, vit, {"width": 64, "depth": 2, "heads": 2}


def saved(name: str, folder: Path) -> tuple[PreTrainedModel, LayerGraph]:
    """A small backbone with drawn weights and statistics, saved by `transformers`, and our network for it."""
    network, kind, config, parameters = backbone(name)
    torch.manual_seed(4)
    model = kind(config).eval()  # type: ignore[arg-type]
    for path, tensor in model.state_dict().items():
        if tensor.is_floating_point() and path.endswith("running_var"):
            tensor.uniform_(0.5, 2)
        elif tensor.is_floating_point():
            tensor.normal_(0, 0.2)
    model.save_pretrained(folder)
    shape = {"image": (3, SIDE, SIDE)}
    return model, require_graph(CATALOGUE[network], parameters={**parameters, "classes": 5}, input_shapes=shape)


@pytest.mark.parametrize("name", BACKBONES)
def test_a_saved_backbone_gives_the_logits_of_its_library(name: str, tmp_path: Path) -> None:
    model, graph = saved(name, tmp_path)
    carried = carry_weights(graph, [(Pretrained("folder", "it"), HubFolder(tmp_path, tmp_path).tensors())], {})
    total = sum(len(node.weights) for node in graph.nodes)
    assert carried.told == (f"{total} of {total} tensors come from folder:it.",)
    pictures = torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        ours, theirs = load_module(graph, carried.tensors).eval()(pictures), model(pictures).logits
    assert theirs.std() > 1e-2
    assert (ours - theirs).abs().max() <= TOLERANCE * max(1, theirs.abs().max())


def test_other_heads_than_those_it_was_trained_with_are_refused(tmp_path: Path) -> None:
    _, graph = saved("vit", tmp_path)
    found = HubFolder(tmp_path, tmp_path).describe()
    assert found.heads == 2
    require_same_heads(graph, WeightOrigin(source="folder:it", **vars(found)))
    with pytest.raises(BadNetwork, match=r"`blocks.0.attn` has 2 heads, and folder:it was trained with 4: give it as"):
        require_same_heads(graph, WeightOrigin(source="folder:it", heads=4))


def test_a_backbone_without_a_head_fills_all_but_the_head(tmp_path: Path) -> None:
    from transformers import ResNetModel

    _, graph = saved("resnet50", tmp_path)
    ResNetModel(backbone("resnet50")[2]).save_pretrained(tmp_path)
    carried = carry_weights(graph, [(Pretrained("folder", "it"), HubFolder(tmp_path, tmp_path).tensors())], {})
    assert set(graph_paths(graph)) - set(carried.tensors) == {"fc.weight", "fc.bias"}
    assert "Not in it: fc.weight, fc.bias. These start anew." in carried.told[0]


def graph_paths(graph: LayerGraph) -> list[str]:
    return [f"{node.path}.{name}" for node in graph.nodes for name in node.weights]


def made(folder: Path, config: object = None, *, tensors: object = None) -> Path:
    """A folder of the hub's layout, written by hand."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "resnet"} if config is None else config))
    save_file(tensors or {"classifier.1.bias": np.zeros(5, np.float16)}, folder / "model.safetensors")
    return folder


def test_what_a_folder_says_of_its_weights_is_told(tmp_path: Path) -> None:
    made(tmp_path / "some/net")
    (tmp_path / "some/net/README.md").write_text("---\ntags: [vision]\nlicense: apache-2.0\n---\nlicense: mit\n")
    about = {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.2, 0.2]}
    (tmp_path / "some/net/preprocessor_config.json").write_text(json.dumps(about))
    found = HubFolders(lambda: (str(tmp_path / "none"), str(tmp_path)))("some/net")
    assert (found.licence, found.mean, found.std) == ("apache-2.0", (0.5, 0.4, 0.3), (0.2, 0.2, 0.2))
    tensors = HubFolder(Path(found.place), Path(found.inside)).tensors()
    assert tensors["fc.bias"].dtype == np.float32


ODD = {
    "a list": (["resnet"], "no JSON object"),
    "another kind": ({"model_type": "bert"}, "holds 'bert'; read are resnet, convnext, vit, resnet18, "),
    "no kind": ({}, "holds 'None'"),
    "odd kind": ({"model_type": {"a": 1}}, "read are resnet"),
    "another stride": ({"model_type": "resnet", "downsample_in_bottleneck": True}, "computes otherwise than resnet18"),
    "another function": ({"model_type": "vit", "hidden_act": "relu"}, "`hidden_act` is 'relu', not 'gelu'"),
}


@pytest.mark.parametrize("name", ODD)
def test_what_fits_no_network_is_refused_by_name(name: str, tmp_path: Path) -> None:
    config, words = ODD[name]
    with pytest.raises(Damaged, match=words):
        HubFolder(made(tmp_path / "net", config), tmp_path).describe()


def test_files_of_other_kinds_and_damaged_ones_are_refused_by_name(tmp_path: Path) -> None:
    folder = made(tmp_path / "net")
    weights = folder / "model.safetensors"
    for content in (b"", b"\xff" * 100, weights.read_bytes()[:-3], b"\x80\x02}q\x00."):
        weights.write_bytes(content)
        with pytest.raises(Damaged, match=r"is no file of safetensors"):
            HubFolder(folder, tmp_path).tensors()
    save_file({"classifier.1.bias": np.zeros(5, np.int64)}, weights)
    with pytest.raises(Damaged, match="has numbers of type I64; read are F16, F32, F64"):
        HubFolder(folder, tmp_path).tensors()
    weights.rename(folder / "pytorch_model.bin")
    with pytest.raises(NotFound, match=r"needs model.safetensors: there is pytorch_model.bin, which is not read"):
        HubFolder(folder, tmp_path).describe()
    (folder / "config.json").write_text("[" * 100_000)
    with pytest.raises(Damaged, match="no JSON object"):
        HubFolder(folder, tmp_path).describe()
    (folder / "config.json").write_bytes(b" " * (3 << 20))
    with pytest.raises(Damaged, match="over 2 MB"):
        HubFolder(folder, tmp_path).describe()


def test_nothing_outside_of_what_may_be_read_is_read(tmp_path: Path) -> None:
    outside, inside = made(tmp_path / "outside"), tmp_path / "inside"
    made(inside / "net")
    (inside / "net/config.json").unlink()
    (inside / "net/config.json").symlink_to(outside / "config.json")
    (inside / "link").symlink_to(outside)
    find = HubFolders(lambda: (str(inside),))
    for name, error in (("net", NotFound), ("link", Forbidden), ("gone", NotFound)):
        with pytest.raises(error) as refused:
            find(name)
        assert isinstance(refused.value, TenfoldError)


def test_a_tensor_of_another_shape_than_its_name_says_is_refused(tmp_path: Path) -> None:
    tensors = {"convnext.encoder.stages.0.layers.0.pwconv1.weight": np.zeros(3, np.float32)}
    folder = made(tmp_path / "net", {"model_type": "convnext"}, tensors=tensors)
    with pytest.raises(Damaged, match=r"pwconv1.weight has another shape than its name says: \(3,\)"):
        HubFolder(folder, tmp_path).tensors()
