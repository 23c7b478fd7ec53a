"""The frameworks that can train, and what each lacks: the one table that form, doors, pre-flight and workers read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tenfold.core.errors import Problem
from tenfold.core.fields import fields_of
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.training.spec import TrainingSpec


@dataclass(frozen=True, kw_only=True)
class Framework:
    """A framework.

    `environment` names the environment that its jobs run in; empty is Tenfold's own. `lacking_kinds` are kinds of layer
    that it does not build; `lacking_values` by field of `TrainingSpec` the values that it does not take, each with the
    reason in words that follow the label of the value.
    """

    name: str
    title: str
    environment: str = ""
    has_gpus: bool = True
    lacking_kinds: frozenset[str] = frozenset()
    lacking_values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def why_not_device(self, device: str) -> str:
        """Why it cannot take a device, as a sentence; empty where it can."""
        if self.has_gpus or not device.startswith("cuda:"):
            return ""
        return f"{self.title} computes on the CPU here: choose auto or cpu."

    def why_not_network(self, graph: LayerGraph) -> str:
        """Why it cannot train a network, as a sentence; empty where it can."""
        missing = [node for node in graph.nodes if node.kind in self.lacking_kinds]
        if not missing:
            return ""
        kinds = sorted({node.kind for node in missing})
        layers = ", ".join(f"`{kind}`" for kind in kinds)
        return f"{self.title} has no {layers} so far, as `{missing[0].path}` needs it: choose PyTorch."

    def problems(self, spec: TrainingSpec) -> list[Problem]:
        """What a specification asks for that it lacks."""
        found = [
            Problem(field.name, f"{choice.label} {reason}", "framework.lacks")
            for field in fields_of(TrainingSpec)
            for choice in field.choices
            if choice.value == getattr(spec, field.name)
            and (reason := self.lacking_values.get(field.name, {}).get(choice.value))
        ]
        device = self.why_not_device(spec.device)
        return [*found, Problem("device", device, "framework.lacks")] if device else found


FRAMEWORKS: dict[str, Framework] = {
    "torch": Framework(name="torch", title="PyTorch"),
    "keras": Framework(
        name="keras",
        title="Keras on TensorFlow",
        environment="keras",
        has_gpus=False,
        lacking_kinds=frozenset({"conv_transpose", "lstm", "gru", "prior_box", "detection_output"}),
        lacking_values={
            "weights": {
                "published": "come in PyTorch's files, which the environment of Keras cannot read: choose PyTorch."
            }
        },
    ),
}
