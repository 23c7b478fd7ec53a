"""Weights in PyTorch's own files, rewritten as safetensors."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file

from tenfold.core.errors import Damaged

_COUNTERS = "num_batches_tracked"


def convert_weights(source: Path, target: Path, paths: Sequence[str]) -> None:
    """Writes the tensors of a state dict, in its order, as float32 under `paths`; counters of batches are left out.

    The file is read as data alone (`weights_only`). Raises `Damaged` for one that holds anything else, or another
    number of tensors.
    """
    try:
        held = torch.load(source, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{source.name} holds no weights that can be read: {error}") from error
    tensors = [held[name] for name in held if not name.endswith(_COUNTERS)] if isinstance(held, dict) else []
    if len(tensors) != len(paths) or not all(isinstance(tensor, torch.Tensor) for tensor in tensors):
        text = f"{source.name} holds {len(tensors)} tensors, and the network has {len(paths)}."
        raise Damaged(text, code="weights.mismatch")
    named = {path: tensor.float().contiguous() for path, tensor in zip(paths, tensors, strict=True)}
    save_file(named, target, metadata={"format": "pt"})
