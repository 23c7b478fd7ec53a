"""Classification on the numpy backend: cross-entropy with its gradient, accuracy, softmax."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


class ClassificationHead:
    """One class a sample. `output` holds N x classes logits, `target` N class indices."""

    def loss(
        self, output: Floats, target: NDArray[np.int64], weights: NDArray[np.float32] | None = None
    ) -> tuple[float, Floats]:
        probabilities = self.result(output)
        rows = np.arange(len(target))
        losses = -np.log(np.maximum(probabilities[rows, target], np.finfo(output.dtype).tiny))
        gradient = probabilities.copy()
        gradient[rows, target] -= 1
        if weights is not None:
            losses, gradient = losses * weights, gradient * weights[:, None]
        return float(losses.mean()), gradient / len(target)

    def sums(self, output: Floats, target: NDArray[np.int64], loss: float) -> dict[str, float]:
        return {"loss": loss * len(target), "accuracy": float((output.argmax(1) == target).sum())}

    def result(self, output: Floats) -> Floats:
        shifted = np.exp(output - output.max(axis=1, keepdims=True))
        probabilities: Floats = shifted / shifted.sum(axis=1, keepdims=True)
        return probabilities
