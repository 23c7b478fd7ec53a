"""Loads what a training worker needs, for the template that is forked."""

from __future__ import annotations

import importlib

import torch

import tenfold.adapters.frameworks.torch.backend
import tenfold.tasks.classification.torch  # noqa: F401
from tenfold.adapters.frameworks.torch.optimizers import Sgd


def warm_up() -> None:
    """Builds an optimiser, for what that loads.

    Nothing is computed: a backward pass, threads or a GPU context would make forking unsafe.
    """
    Sgd([torch.nn.Parameter(torch.zeros(1))], lr=0.1, momentum=0.9, fused=True)


def load_compiler() -> None:
    """Loads `torch._dynamo`, which exports need: before a confinement, since it makes a folder for itself."""
    importlib.import_module("torch._dynamo")
