"""Classification on PyTorch: cross-entropy, accuracy, softmax."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


class ClassificationHead:
    """One class a sample. `output` holds N x classes logits, `target` N class indices."""

    def loss(self, output: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
        if weights is None:
            return functional.cross_entropy(output, target)
        return (functional.cross_entropy(output, target, reduction="none") * weights).mean()

    def sums(self, output: Tensor, target: Tensor, loss: Tensor) -> dict[str, Tensor]:
        correct = (output.argmax(1) == target).sum()
        return {"loss": loss.detach() * len(target), "accuracy": correct}

    def result(self, output: Tensor) -> Tensor:
        return torch.softmax(output, 1)
