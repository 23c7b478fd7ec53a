"""Checkpoints as folders: complete or absent, the newest whole one found, room made for new ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from full_disk import files_up_to

from tenfold.adapters.storage.checkpoints import FolderCheckpoints
from tenfold.core.errors import Conflict, Damaged, NotFound, StorageFull
from tenfold.core.training.ports import BackendState, Checkpoint


def checkpoint(step: int, *, size: int = 10) -> Checkpoint:
    arrays = {"model/w": np.full(size, step, np.float32), "rng/dropout": np.arange(5, dtype=np.uint8)}
    return Checkpoint(step, {"step": step, "best": None}, BackendState(arrays, {"optimizer": ["a"], "x": 0.1}))


def steps(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_gives_back_what_was_saved(tmp_path: Path) -> None:
    store = FolderCheckpoints(tmp_path)
    assert store.latest() is None
    saved = checkpoint(7)
    store.save(saved)
    found = FolderCheckpoints(tmp_path).latest()
    assert found is not None
    assert (found.step, found.engine, found.backend.values) == (7, saved.engine, saved.backend.values)
    for key, array in saved.backend.arrays.items():
        np.testing.assert_array_equal(found.backend.arrays[key], array)
        assert found.backend.arrays[key].dtype == array.dtype


def test_arrays_that_are_not_contiguous_are_saved_as_they_look(tmp_path: Path) -> None:
    store = FolderCheckpoints(tmp_path)
    turned = np.arange(6, dtype=np.float32).reshape(2, 3).T
    store.save(Checkpoint(1, {}, BackendState({"a": turned}, {})))
    np.testing.assert_array_equal(store.load(1).backend.arrays["a"], turned)


def test_the_same_step_may_be_saved_again_and_the_newer_counts(tmp_path: Path) -> None:
    store = FolderCheckpoints(tmp_path)
    store.save(checkpoint(5))
    store.save(Checkpoint(5, {"newer": True}, BackendState({"a": np.zeros(1)}, {})))
    assert store.load(5).engine == {"newer": True}
    store.keep_only({5})
    assert steps(tmp_path) == ["00000002-step-5"]


def test_only_the_named_steps_are_kept(tmp_path: Path) -> None:
    store = FolderCheckpoints(tmp_path)
    for step in (1, 2, 3):
        store.save(checkpoint(step))
    store.keep_only({1, 3})
    assert steps(tmp_path) == ["00000001-step-1", "00000003-step-3"]
    with pytest.raises(NotFound, match=r"no checkpoint of step 2; there are \[1, 3\]"):
        store.load(2)


def test_a_torn_one_is_cleared_and_the_one_before_it_found(tmp_path: Path) -> None:
    store = FolderCheckpoints(tmp_path)
    store.save(checkpoint(1))
    torn = tmp_path / ".00000002-step-2.part"
    shutil.copytree(tmp_path / "00000001-step-1", torn)
    again = FolderCheckpoints(tmp_path)
    assert not torn.exists()
    latest = again.latest()
    assert latest is not None
    assert latest.step == 1


@pytest.mark.parametrize("file", ["state.safetensors", "state.json", "manifest.sha256.json"])
def test_a_damaged_one_is_passed_over_and_never_half_loaded(tmp_path: Path, file: str) -> None:
    told: list[str] = []
    store = FolderCheckpoints(tmp_path, warn=told.append)
    store.save(checkpoint(1))
    store.save(checkpoint(2))
    path = tmp_path / "00000002-step-2" / file
    path.write_bytes(path.read_bytes()[:-3])
    latest = store.latest()
    assert latest is not None
    assert latest.step == 1
    assert len(told) == 1
    assert told[0].startswith("The checkpoint at step 2 is lost, the one before it counts: ")
    with pytest.raises(Damaged):
        store.load(2)


def test_an_attempt_that_was_overtaken_saves_and_removes_nothing(tmp_path: Path) -> None:
    def fence() -> None:
        raise Conflict(code="job.fenced")

    FolderCheckpoints(tmp_path).save(checkpoint(1))
    late = FolderCheckpoints(tmp_path, fence)
    with pytest.raises(Conflict):
        late.save(checkpoint(2))
    with pytest.raises(Conflict):
        late.keep_only(set())
    assert steps(tmp_path) == ["00000001-step-1"]


@pytest.mark.parametrize("room", [0, 100, 3000])
def test_a_full_disk_is_named_and_takes_no_room(tmp_path: Path, room: int) -> None:
    """Also where the library that writes the arrays has errors of its own."""
    store = FolderCheckpoints(tmp_path)
    store.save(checkpoint(1, size=1000))
    with files_up_to(room), pytest.raises(StorageFull, match="has no room left for 00000002-step-2: free some"):
        store.save(checkpoint(2, size=1000))
    assert steps(tmp_path) == ["00000001-step-1"]
    store.save(checkpoint(2, size=1000))
    latest = store.latest()
    assert latest is not None
    assert latest.step == 2
