"""Checkpoints as folders: `state.safetensors`, `state.json` and a manifest, published as a whole."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from tenfold.adapters.storage.durable import disk_errors, publish_folder, verify_folder
from tenfold.core.errors import Damaged, NotFound
from tenfold.core.training.ports import BackendState, Checkpoint

_NAME = re.compile(r"(\d{8})-step-(\d+)")


class FolderCheckpoints:
    """The checkpoints of one job in one folder. Names count up, so that the same step may be saved again.

    `fence` is asked before anything becomes visible or is removed, and raises when another attempt has taken over.
    `warn` is told of every checkpoint that is lost.
    """

    def __init__(
        self,
        folder: Path,
        fence: Callable[[], None] = lambda: None,
        *,
        warn: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._folder = folder
        self._fence = fence
        self._warn = warn
        folder.mkdir(parents=True, exist_ok=True)
        for torn in folder.glob(".*.part"):
            shutil.rmtree(torn)

    def save(self, checkpoint: Checkpoint) -> None:
        present = self._present()
        number = present[-1][0] + 1 if present else 1
        final = self._folder / f"{number:08d}-step-{checkpoint.step}"
        staged = self._folder / f".{final.name}.part"
        arrays = {key: np.asarray(array, order="C") for key, array in checkpoint.backend.arrays.items()}
        state = {"step": checkpoint.step, "engine": checkpoint.engine, "backend": checkpoint.backend.values}
        try:
            with disk_errors(final):
                staged.mkdir()
                save_file(arrays, staged / "state.safetensors")
                (staged / "state.json").write_text(json.dumps(state), "utf-8")
                publish_folder(staged, final, before_rename=self._fence)
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)
            raise

    def latest(self) -> Checkpoint | None:
        for _, step, folder in reversed(self._present()):
            try:
                return _read(folder)
            except (Damaged, NotFound) as error:
                self._warn(f"The checkpoint at step {step:,} is lost, the one before it counts: {error.message}")
        return None

    def load(self, step: int) -> Checkpoint:
        return read_checkpoint(self._folder, step)

    def keep_only(self, steps: set[int]) -> None:
        self._fence()
        seen: set[int] = set()
        for _, step, folder in reversed(self._present()):
            if step not in steps or step in seen:
                shutil.rmtree(folder)
            seen.add(step)

    def _present(self) -> list[tuple[int, int, Path]]:
        return _present(self._folder)


def checkpoint_steps(folder: Path) -> tuple[int, ...]:
    """The steps of the checkpoints in a folder, oldest first; nothing of them is changed."""
    return tuple(step for _, step, _ in _present(folder))


def read_checkpoint(folder: Path, step: int) -> Checkpoint:
    """The checkpoint of a step, also while its job writes others; raises `NotFound`, `Damaged`."""
    present = _present(folder)
    for _, at, each in reversed(present):
        if at == step:
            return _read(each)
    raise NotFound(f"There is no checkpoint of step {step}; there are {[at for _, at, _ in present]}.")


def _present(folder: Path) -> list[tuple[int, int, Path]]:
    if not folder.is_dir():
        return []
    matches = ((_NAME.fullmatch(path.name), path) for path in folder.iterdir())
    return sorted((int(match[1]), int(match[2]), path) for match, path in matches if match)


def _read(folder: Path) -> Checkpoint:
    verify_folder(folder)
    state = json.loads((folder / "state.json").read_text("utf-8"))
    arrays = load_file(folder / "state.safetensors")
    return Checkpoint(state["step"], state["engine"], BackendState(arrays, state["backend"]))
