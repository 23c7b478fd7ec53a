"""How good a classifier is: accuracy with its interval, the confusion matrix, figures for each class."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Z_95 = 1.959963984540054


@dataclass(frozen=True)
class ClassFigures:
    """One class: how many there were, and of those and of the guesses how many were right (0 ... 1)."""

    name: str
    support: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class ClassificationReport:
    """`confusion[i][j]` counts samples of class i that were taken for class j; `interval` covers accuracy at 95 %."""

    num_samples: int
    accuracy: float
    interval: tuple[float, float]
    top5_accuracy: float
    loss: float
    confusion: tuple[tuple[int, ...], ...]
    classes: tuple[ClassFigures, ...]


def classification_report(
    probabilities: NDArray[np.floating[Any]], labels: NDArray[np.int64], class_names: tuple[str, ...]
) -> ClassificationReport:
    """The report over N x classes probabilities and N class indices; N is at least 1."""
    num_classes = len(class_names)
    guesses = probabilities.argmax(axis=1)
    confusion = np.bincount(labels * num_classes + guesses, minlength=num_classes**2).reshape(num_classes, num_classes)
    right = int(np.trace(confusion))
    total = len(labels)
    of_label = np.maximum(probabilities[np.arange(total), labels].astype(np.float64), 1e-38)
    rank = (probabilities > probabilities[np.arange(total), labels][:, None]).sum(axis=1)
    return ClassificationReport(
        num_samples=total,
        accuracy=right / total,
        interval=wilson_interval(right, total),
        top5_accuracy=float((rank < 5).mean()),
        loss=float(-np.log(of_label).mean()),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        classes=tuple(_figures(name, confusion, index) for index, name in enumerate(class_names)),
    )


def wilson_interval(right: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a proportion (Wilson 1927), which holds also near 0 and 1 and for few samples."""
    share = right / total
    spread = Z_95**2 / total
    middle = (share + spread / 2) / (1 + spread)
    half = Z_95 * math.sqrt(share * (1 - share) / total + Z_95**2 / (4 * total**2)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def _figures(name: str, confusion: NDArray[np.int64], index: int) -> ClassFigures:
    hits = int(confusion[index, index])
    support = int(confusion[index].sum())
    guessed = int(confusion[:, index].sum())
    precision = hits / guessed if guessed else None
    recall = hits / support if support else None
    f1 = 2 * hits / (guessed + support) if guessed + support else None
    return ClassFigures(name, support, precision, recall, f1)
