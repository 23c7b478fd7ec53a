"""How each tensor of a network is trained: its share of the learning rate and of weight decay."""

from __future__ import annotations

from dataclasses import dataclass

from tenfold.core.networks.graph import GraphOutput, LayerGraph


@dataclass(frozen=True, order=True)
class Factors:
    """What rate and weight decay are multiplied by."""

    rate: float = 1.0
    decay: float = 1.0


def training_factors(graph: LayerGraph) -> dict[str, Factors]:
    """The factors of every trainable tensor by path, frozen layers left out."""
    factors = {}
    for node in graph.nodes:
        about = node.training
        if about.get("frozen"):
            continue
        rate, decay = about.get("lr_mult", 1.0), about.get("decay_mult", 1.0)
        for name, weight in node.weights.items():
            if is_bias(name):
                own = Factors(rate * about.get("bias_lr_mult", 1.0), decay * about.get("bias_decay_mult", 1.0))
            else:
                own = Factors(rate, decay)
            if weight.trainable:
                factors[f"{node.path}.{name}"] = own
    return factors


def is_bias(name: str) -> bool:
    """Whether a tensor of a layer is added, not multiplied: `bias`, `qkv_bias`, `bias_ih_l0`."""
    return "bias" in name


def main_output(graph: LayerGraph) -> GraphOutput:
    """The output that is judged and shown: the first that exists outside training too."""
    return next((item for item in graph.outputs if not item.arguments.get("training_only")), graph.outputs[0])


def loss_weight(output: GraphOutput) -> float:
    """An output's share in the loss."""
    return float(output.arguments.get("loss_weight", 1.0))
