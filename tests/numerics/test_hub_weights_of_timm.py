"""Backbones named as `timm` names them give the logits of modules that are written out here with those names."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from tenfold.adapters.formats.catalogue import read_catalogue
from tenfold.adapters.formats.hub_layout import HubFolder
from tenfold.adapters.frameworks.torch.builder import load_module
from tenfold.core.networks.analysis import require_graph
from tenfold.core.networks.pretraining import Pretrained
from tenfold.core.networks.weights import carry_weights

SIDE = 64
CATALOGUE = {entry.name: entry.text for entry in read_catalogue()}


class Basic(nn.Module):
    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(before, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        self.downsample = (
            nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))
            if stride > 1
            else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        inner = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(inner)) + self.downsample(x))


class ResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8)
        self.layer1 = nn.Sequential(Basic(8, 8, 1), Basic(8, 8, 1))
        self.layer2, self.layer3 = nn.Sequential(Basic(8, 16, 2)), nn.Sequential(Basic(16, 32, 2))
        self.layer4 = nn.Sequential(Basic(32, 64, 2))
        self.fc = nn.Linear(64, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.max_pool2d(functional.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return self.fc(self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean((2, 3)))


class Mlp(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(functional.gelu(self.fc1(x)))


class ChannelNorm(nn.LayerNorm):
    def __init__(self, width: int) -> None:
        super().__init__(width, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class Mixer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv_dw, self.norm = nn.Conv2d(width, width, 7, padding=3, groups=width), nn.LayerNorm(width, eps=1e-6)
        self.mlp, self.gamma = Mlp(width), nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return x + (self.mlp(self.norm(self.conv_dw(x).movedim(1, -1))) * self.gamma).movedim(-1, 1)


class Stage(nn.Module):
    def __init__(self, before: int, width: int, depth: int) -> None:
        super().__init__()
        is_first = before == width
        self.downsample = (
            nn.Identity() if is_first else nn.Sequential(ChannelNorm(before), nn.Conv2d(before, width, 2, 2))
        )
        self.blocks = nn.Sequential(*(Mixer(width) for _ in range(depth)))

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(self.downsample(x))


class ConvNeXt(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 4, 4), ChannelNorm(8))
        self.stages = nn.Sequential(Stage(8, 8, 2), Stage(8, 16, 1), Stage(16, 32, 1), Stage(32, 64, 1))
        self.head = nn.ModuleDict({"norm": nn.LayerNorm(64, eps=1e-6), "fc": nn.Linear(64, 5)})

    def forward(self, x: Tensor) -> Tensor:
        return self.head["fc"](self.head["norm"](self.stages(self.stem(x)).mean((2, 3))))


class Attention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        query, key, value = self.qkv(x).reshape(batch, length, 3, 3, width // 3).permute(2, 0, 3, 1, 4)
        weights = (query @ key.transpose(2, 3) * (width // 3) ** -0.5).softmax(dim=-1)
        return self.proj((weights @ value).transpose(1, 2).reshape(batch, length, width))


class Encoder(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(width, eps=1e-6), Attention(width)
        self.norm2, self.mlp = nn.LayerNorm(width, eps=1e-6), Mlp(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    def __init__(self, width: int = 192) -> None:
        super().__init__()
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, 16, 16)})
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + (SIDE // 16) ** 2, width))
        self.blocks = nn.Sequential(Encoder(width), Encoder(width))
        self.norm, self.head = nn.LayerNorm(width, eps=1e-6), nn.Linear(width, 5)

    def forward(self, x: Tensor) -> Tensor:
        rows = self.patch_embed["proj"](x).flatten(2).transpose(1, 2)
        rows = torch.cat([self.cls_token.expand(len(x), -1, -1), rows], dim=1) + self.pos_embed
        return self.head(self.norm(self.blocks(rows))[:, 0])


BACKBONES = {
    "resnet18": (ResNet, "resnet18", {"width": 8, "depths": [2, 1, 1, 1]}, 0),
    "convnext_tiny": (ConvNeXt, "convnext_tiny", {"width": 8, "depths": [2, 1, 1, 1]}, 0),
    "vit_tiny_patch16_224": (ViT, "vit_tiny", {"depth": 2}, 3),
}


@pytest.mark.parametrize("name", BACKBONES)
def test_a_backbone_with_the_other_library_s_names_gives_its_logits(name: str, tmp_path: Path) -> None:
    kind, network, parameters, heads = BACKBONES[name]
    torch.manual_seed(2)
    model = kind().eval()
    for path, tensor in model.state_dict().items():
        if tensor.is_floating_point() and path.endswith("running_var"):
            tensor.uniform_(0.5, 2)
        elif tensor.is_floating_point():
            tensor.normal_(0, 0.1)
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    told = {"architecture": name, "pretrained_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.2, 0.2, 0.2]}}
    (tmp_path / "config.json").write_text(json.dumps(told))
    folder = HubFolder(tmp_path, tmp_path)
    assert (folder.describe().mean, folder.describe().heads) == ((0.5, 0.5, 0.5), heads)
    shape = {"image": (3, SIDE, SIDE)}
    graph = require_graph(CATALOGUE[network], parameters={**parameters, "classes": 5}, input_shapes=shape)
    carried = carry_weights(graph, [(Pretrained("folder", "it"), folder.tensors())], {})
    assert set(carried.tensors) == {f"{node.path}.{each}" for node in graph.nodes for each in node.weights}
    pictures = torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        ours, theirs = load_module(graph, carried.tensors).eval()(pictures), model(pictures)
    assert theirs.std() > 1e-2
    assert (ours - theirs).abs().max() <= 1e-4 * max(1, theirs.abs().max())
