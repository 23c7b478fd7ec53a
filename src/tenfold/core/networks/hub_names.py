"""How the tensors of published vision backbones are called in the catalogue's networks, as data.

Names are those of the library `transformers` (5.23) as it stores them, by the `model_type` of a configuration, and
those of `timm`, by its `architecture`; `{a}` stands for a number, `*` for the last part.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from tenfold.core.errors import Damaged
from tenfold.core.events import Json

Floats = npt.NDArray[np.float32]
Form = Literal["plain", "window", "token", "positions", "stacked"]


class Rule(NamedTuple):
    """A tensor's name and its path with us.

    A `window` is a matrix that we have as a convolution of 1 x 1, a `token` has axes of 1 before its values,
    `positions` lie (1, length, channels), and `stacked` ones are rows of one matrix, in the order of their rules.
    """

    name: str
    path: str
    form: Form = "plain"


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """The backbones of one kind: the catalogue's networks for it, how its names begin, which settings its
    `config.json` has to have where it says them, its rules, and the heads of its attention where they are not said."""

    networks: tuple[str, ...]
    prefix: str
    expects: Mapping[str, Json]
    rules: tuple[Rule, ...]
    heads: int = 0


_CONV, _NORM = "convolution.*", "normalization.*"
ARCHITECTURES: Mapping[str, Architecture] = {
    "resnet": Architecture(
        networks=("resnet18", "resnet34", "resnet50"),
        prefix="resnet.",
        expects={"hidden_act": "relu", "downsample_in_bottleneck": False, "downsample_in_first_stage": False},
        rules=(
            Rule(f"embedder.embedder.{_CONV}", "conv1.*"),
            Rule(f"embedder.embedder.{_NORM}", "bn1.*"),
            Rule(f"encoder.stages.{{a}}.layers.{{b}}.layer.{{c}}.{_CONV}", "layer{a+1}.{b}.conv{c+1}.*"),
            Rule(f"encoder.stages.{{a}}.layers.{{b}}.layer.{{c}}.{_NORM}", "layer{a+1}.{b}.bn{c+1}.*"),
            Rule(f"encoder.stages.{{a}}.layers.{{b}}.shortcut.{_CONV}", "layer{a+1}.{b}.downsample.conv.*"),
            Rule(f"encoder.stages.{{a}}.layers.{{b}}.shortcut.{_NORM}", "layer{a+1}.{b}.downsample.bn.*"),
            Rule("classifier.1.*", "fc.*"),
        ),
    ),
    "convnext": Architecture(
        networks=("convnext_tiny",),
        prefix="convnext.",
        expects={"hidden_act": "gelu", "patch_size": 4},
        rules=(
            Rule("embeddings.patch_embeddings.*", "stem.*"),
            Rule("embeddings.layernorm.*", "stem_norm.*"),
            Rule("encoder.stages.{a}.downsampling_layer.0.*", "down{a+1}.norm.*"),
            Rule("encoder.stages.{a}.downsampling_layer.1.*", "down{a+1}.conv.*"),
            Rule("encoder.stages.{a}.layers.{b}.dwconv.*", "stage{a+1}.{b}.spatial.*"),
            Rule("encoder.stages.{a}.layers.{b}.layernorm.*", "stage{a+1}.{b}.norm.*"),
            Rule("encoder.stages.{a}.layers.{b}.pwconv1.weight", "stage{a+1}.{b}.fc1.weight", "window"),
            Rule("encoder.stages.{a}.layers.{b}.pwconv1.bias", "stage{a+1}.{b}.fc1.bias"),
            Rule("encoder.stages.{a}.layers.{b}.pwconv2.weight", "stage{a+1}.{b}.fc2.weight", "window"),
            Rule("encoder.stages.{a}.layers.{b}.pwconv2.bias", "stage{a+1}.{b}.fc2.bias"),
            Rule("encoder.stages.{a}.layers.{b}.layer_scale_parameter", "stage{a+1}.{b}.scale.weight"),
            Rule("layernorm.*", "norm.*"),
            Rule("classifier.*", "head.*"),
        ),
    ),
    "vit": Architecture(
        networks=("vit_tiny",),
        prefix="vit.",
        expects={"hidden_act": "gelu", "qkv_bias": True},
        rules=(
            Rule("embeddings.patch_embeddings.projection.*", "patches.*"),
            Rule("embeddings.cls_token", "cls.weight", "token"),
            Rule("embeddings.position_embeddings", "position.weight", "positions"),
            Rule("encoder.layer.{a}.attention.attention.query.*", "blocks.{a}.attn.qkv_*", "stacked"),
            Rule("encoder.layer.{a}.attention.attention.key.*", "blocks.{a}.attn.qkv_*", "stacked"),
            Rule("encoder.layer.{a}.attention.attention.value.*", "blocks.{a}.attn.qkv_*", "stacked"),
            Rule("encoder.layer.{a}.attention.output.dense.*", "blocks.{a}.attn.out_*"),
            Rule("encoder.layer.{a}.layernorm_before.*", "blocks.{a}.norm1.*"),
            Rule("encoder.layer.{a}.layernorm_after.*", "blocks.{a}.norm2.*"),
            Rule("encoder.layer.{a}.intermediate.dense.*", "blocks.{a}.fc1.*"),
            Rule("encoder.layer.{a}.output.dense.*", "blocks.{a}.fc2.*"),
            Rule("layernorm.*", "norm.*"),
            Rule("classifier.*", "head.*"),
        ),
    ),
}
_TIMM_RESNET = Architecture(
    networks=("resnet18", "resnet34", "resnet50"),
    prefix="",
    expects={},
    rules=(
        Rule("layer{a}.{b}.downsample.0.*", "layer{a}.{b}.downsample.conv.*"),
        Rule("layer{a}.{b}.downsample.1.*", "layer{a}.{b}.downsample.bn.*"),
    ),
)
_TIMM_CONVNEXT = Architecture(
    networks=("convnext_tiny",),
    prefix="",
    expects={},
    rules=(
        Rule("stem.0.*", "stem.*"),
        Rule("stem.1.*", "stem_norm.*"),
        Rule("stages.{a}.downsample.0.*", "down{a+1}.norm.*"),
        Rule("stages.{a}.downsample.1.*", "down{a+1}.conv.*"),
        Rule("stages.{a}.blocks.{b}.conv_dw.*", "stage{a+1}.{b}.spatial.*"),
        Rule("stages.{a}.blocks.{b}.norm.*", "stage{a+1}.{b}.norm.*"),
        Rule("stages.{a}.blocks.{b}.mlp.fc1.weight", "stage{a+1}.{b}.fc1.weight", "window"),
        Rule("stages.{a}.blocks.{b}.mlp.fc1.bias", "stage{a+1}.{b}.fc1.bias"),
        Rule("stages.{a}.blocks.{b}.mlp.fc2.weight", "stage{a+1}.{b}.fc2.weight", "window"),
        Rule("stages.{a}.blocks.{b}.mlp.fc2.bias", "stage{a+1}.{b}.fc2.bias"),
        Rule("stages.{a}.blocks.{b}.gamma", "stage{a+1}.{b}.scale.weight"),
        Rule("head.norm.*", "norm.*"),
        Rule("head.fc.*", "head.*"),
    ),
)
_TIMM_VIT = Architecture(
    networks=("vit_tiny",),
    prefix="",
    expects={},
    rules=(
        Rule("patch_embed.proj.*", "patches.*"),
        Rule("cls_token", "cls.weight", "token"),
        Rule("pos_embed", "position.weight", "positions"),
        Rule("blocks.{a}.attn.qkv.*", "blocks.{a}.attn.qkv_*"),
        Rule("blocks.{a}.attn.proj.*", "blocks.{a}.attn.out_*"),
        Rule("blocks.{a}.mlp.fc1.*", "blocks.{a}.fc1.*"),
        Rule("blocks.{a}.mlp.fc2.*", "blocks.{a}.fc2.*"),
    ),
    heads=3,
)
TIMM_ARCHITECTURES: Mapping[str, Architecture] = {
    **dict.fromkeys(_TIMM_RESNET.networks, _TIMM_RESNET),
    "convnext_tiny": _TIMM_CONVNEXT,
    "vit_tiny_patch16_224": _TIMM_VIT,
}
UNUSED = "num_batches_tracked"


@dataclass(frozen=True)
class Gathered:
    """The published tensors that make one of ours, in order."""

    names: tuple[str, ...]
    form: Form

    def joined(self, tensors: Sequence[Floats]) -> Floats:
        """One tensor of ours; raises `Damaged` where theirs are not of the form that their name says."""
        try:
            if self.form == "window":
                return tensors[0][:, :, None, None]
            if self.form == "token":
                return tensors[0].reshape(-1)
            if self.form == "positions":
                return np.ascontiguousarray(tensors[0][0].T)
            return np.concatenate(tensors) if self.form == "stacked" else tensors[0]
        except (IndexError, ValueError):
            shapes = ", ".join(str(tensor.shape) for tensor in tensors)
            raise Damaged(f"{self.names[0]} has another shape than its name says: {shapes}.") from None


def gather(architecture: Architecture, names: Sequence[str]) -> dict[str, Gathered]:
    """Our paths with the published tensors for each.

    Names that no rule knows stay as they are; counters are left out.
    """
    compiled = [(_pattern(rule.name), rule) for rule in architecture.rules]
    found: dict[str, list[tuple[int, str, Form]]] = {}
    for name in names:
        if name.endswith(UNUSED):
            continue
        path, place = name, 0
        form: Form = "plain"
        for number, (pattern, rule) in enumerate(compiled):
            if match := pattern.fullmatch(name.removeprefix(architecture.prefix)):
                path, place, form = _filled(rule.path, match), number, rule.form
                break
        found.setdefault(path, []).append((place, name, form))
    return {path: Gathered(tuple(name for _, name, _ in sorted(parts)), parts[0][2]) for path, parts in found.items()}


def architecture_of(config: Mapping[str, Json]) -> Architecture | None:
    """The architecture that a configuration names, of one library or the other."""
    for name, known in (("model_type", ARCHITECTURES), ("architecture", TIMM_ARCHITECTURES)):
        kind = config.get(name)
        if isinstance(kind, str) and kind in known:
            return known[kind]
    return None


def misfits(architecture: Architecture, config: Mapping[str, Json]) -> list[str]:
    """Settings that make a backbone compute something else than the catalogue's networks, in words."""
    return [
        f"`{name}` is {config[name]!r}, not {wanted!r}"
        for name, wanted in architecture.expects.items()
        if name in config and config[name] != wanted
    ]


def _pattern(name: str) -> re.Pattern[str]:
    escaped = re.escape(name).replace(r"\*", r"(?P<last>[a-z_]{1,64})")
    return re.compile(re.sub(r"\\\{([a-z])\\\}", r"(?P<\1>[0-9]{1,4})", escaped))


def _filled(path: str, match: re.Match[str]) -> str:
    def number(place: re.Match[str]) -> str:
        return str(int(match[place[1]]) + int(place[2] or 0))

    filled = re.sub(r"\{([a-z])(?:\+([0-9]))?\}", number, path)
    return filled.replace("*", match["last"]) if "*" in filled else filled
