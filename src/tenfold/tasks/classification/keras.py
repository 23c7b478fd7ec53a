"""Classification on Keras: cross-entropy, accuracy, softmax."""

from __future__ import annotations

from typing import Any, TypeAlias

from keras import ops

Tensor: TypeAlias = Any


class ClassificationHead:
    """One class a sample. `output` holds N x classes logits, `target` N class indices."""

    def loss(self, output: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
        losses = ops.sparse_categorical_crossentropy(target, output, from_logits=True)
        return ops.mean(losses if weights is None else ops.multiply(losses, weights))

    def sums(self, output: Tensor, target: Tensor, loss: Tensor) -> dict[str, Tensor]:
        correct = ops.equal(ops.argmax(output, axis=1), ops.cast(target, "int32"))
        samples = ops.cast(ops.shape(target)[0], "float32")
        return {"loss": ops.multiply(loss, samples), "accuracy": ops.sum(ops.cast(correct, "float32"))}

    def result(self, output: Tensor) -> Tensor:
        return ops.softmax(output, axis=1)
