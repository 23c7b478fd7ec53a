"""Classification in ONNX: softmax behind the network."""

from __future__ import annotations

from onnx import NodeProto, helper


class ClassificationHead:
    """One class a sample. The network's value holds N x classes logits."""

    def result(self, output: str, name: str) -> list[NodeProto]:
        return [helper.make_node("Softmax", [output], [name], axis=1)]
