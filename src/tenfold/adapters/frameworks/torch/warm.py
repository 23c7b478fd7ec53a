"""Loads what a training worker needs, for the template that is forked."""

from __future__ import annotations

import torch

import tenfold.adapters.frameworks.torch.backend
import tenfold.tasks.classification.torch  # noqa: F401


def warm_up() -> None:
    """Imports torch whole: building an optimiser loads torch._dynamo, which takes as long as torch itself.

    Nothing is computed: a backward pass, threads or a GPU context would make forking unsafe.
    """
    torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1, momentum=0.9, fused=True)
