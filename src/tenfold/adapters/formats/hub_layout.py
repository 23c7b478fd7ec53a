"""A folder as the Hugging Face hub lays it out, read as data alone: `config.json`, `model.safetensors`, and what says
under which licence they are and how pixels were normalised."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tenfold.adapters.formats.files.guarded_folder import GuardedFolder
from tenfold.core.errors import BadDataset, BadImage, Damaged, Forbidden, NotFound
from tenfold.core.events import Json
from tenfold.core.networks.hub_names import (
    ARCHITECTURES,
    TIMM_ARCHITECTURES,
    Architecture,
    Floats,
    architecture_of,
    gather,
    misfits,
)
from tenfold.core.networks.weights import WEIGHTS_FILE, FoundWeights

CONFIG, PREPROCESSOR, CARD = "config.json", "preprocessor_config.json", "README.md"
MAX_TOLD_BYTES = 2 << 20
_LICENCE = re.compile(r"^license:\s*[\"']?([A-Za-z0-9.+-]{1,64})[\"']?\s*$", re.MULTILINE)
_TYPES = frozenset({"F32", "F16", "F64"})


class HubFolder:
    """The folder at `place`, whose files really lie inside `allowed`."""

    def __init__(self, place: Path, allowed: Path) -> None:
        try:
            self._files = GuardedFolder(place, allowed=allowed)
        except BadDataset as error:
            wrong = Forbidden if error.code == "dataset.outside" else NotFound
            raise wrong(f"{place.name}: {error.message}", code="weights.folder") from None
        self._place = place

    def describe(self, *, has_weights: bool = True) -> FoundWeights:
        """What is known of the weights without reading them; without `has_weights` they need not be there yet.

        Raises `NotFound` where a file is missing or may not be read, and `Damaged` for what is no backbone that fits a
        network of the catalogue.
        """
        architecture, config = self._architecture(), self._json(CONFIG)
        heads = config.get("num_attention_heads", architecture.heads)
        if has_weights and not self._has(WEIGHTS_FILE):
            held = next((name for name in ("pytorch_model.bin", f"{WEIGHTS_FILE}.index.json") if self._has(name)), "")
            why = f"there is {held}, which is not read" if held else "there is none"
            raise NotFound(f"{self._place.name} needs {WEIGHTS_FILE}: {why}.", code="weights.no-safetensors")
        mean, std = self._normalisation(config)
        is_whole = len(mean) == len(std) > 0 and all(each > 0 for each in std)
        card = self._told(CARD) if self._has(CARD) else ""
        licence = _LICENCE.search(card.partition("---\n")[2].partition("\n---")[0])
        return FoundWeights(
            place=str(self._place),
            inside=self._files.allowed,
            licence=licence[1] if licence else "",
            mean=mean if is_whole else (),
            std=std if is_whole else (),
            heads=heads if isinstance(heads, int) else 0,
        )

    def _normalisation(self, config: Mapping[str, Json]) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and deviation as either library tells them."""
        if self._has(PREPROCESSOR):
            about = self._json(PREPROCESSOR)
            return _numbers(about.get("image_mean")), _numbers(about.get("image_std"))
        told = config.get("pretrained_cfg")
        return (_numbers(told.get("mean")), _numbers(told.get("std"))) if isinstance(told, dict) else ((), ())

    def tensors(self) -> dict[str, Floats]:
        """The tensors under the paths of the catalogue's networks; raises as `describe`."""
        architecture = self._architecture()
        with self._weights() as file:
            paths = gather(architecture, list(file.keys()))
            return {path: parts.joined([_tensor(file, name) for name in parts.names]) for path, parts in paths.items()}

    @contextmanager
    def _weights(self) -> Iterator[Any]:  # Any: the library's reader has no types
        from safetensors import SafetensorError, safe_open  # noqa: PLC0415  the server only looks at folders

        with self._opened(WEIGHTS_FILE) as handle:
            try:
                with safe_open(f"/proc/self/fd/{handle}", framework="np") as file:
                    yield file
            except (SafetensorError, ValueError, OSError) as error:
                text = f"{WEIGHTS_FILE} in {self._place.name} is no file of safetensors: {str(error)[:200]}."
                raise Damaged(text, code="weights.damaged") from error

    def _architecture(self) -> Architecture:
        config = self._json(CONFIG)
        architecture = architecture_of(config)
        if architecture is None:
            kind = str(config.get("model_type", config.get("architecture")))
            known = ", ".join({**ARCHITECTURES, **TIMM_ARCHITECTURES})
            text = f"{self._place.name} holds {kind[:60]!r}; read are {known}."
            raise Damaged(text, code="weights.architecture")
        if wrong := misfits(architecture, config):
            networks = ", ".join(architecture.networks)
            text = f"{self._place.name} computes otherwise than {networks}: {'; '.join(wrong)[:300]}."
            raise Damaged(text, code="weights.architecture")
        return architecture

    def _has(self, name: str) -> bool:
        return self._files.has_file(name)

    def _json(self, name: str) -> Mapping[str, Json]:
        try:
            found = json.loads(self._told(name))
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise Damaged(f"{name} in {self._place.name} is no JSON object.", code="weights.damaged")
        return found

    def _told(self, name: str) -> str:
        """The text of a small file."""
        with self._opened(name) as handle, open(handle, "rb", closefd=False) as file:
            content = file.read(MAX_TOLD_BYTES + 1)
        if len(content) > MAX_TOLD_BYTES:
            raise Damaged(f"{name} in {self._place.name} is over {MAX_TOLD_BYTES >> 20} MB.", code="weights.damaged")
        return content.decode("utf-8", "replace").replace("\r\n", "\n")

    @contextmanager
    def _opened(self, name: str) -> Iterator[int]:
        try:
            with self._files.opened(name) as file:
                yield file.fileno()
        except BadImage as error:
            raise NotFound(f"{self._place.name}/{name}: {error.message}", code="weights.folder") from None


class HubFolders:
    """Fulfils `tenfold.core.networks.weights.FolderFinder` over the folders that may be read."""

    def __init__(self, roots: Callable[[], tuple[str, ...]]) -> None:
        self._roots = roots

    def __call__(self, name: str) -> FoundWeights:
        for root in self._roots():
            if (Path(root) / name).is_dir():
                return HubFolder(Path(root) / name, Path(root)).describe()
        folders = ", ".join(self._roots()) or "none"
        text = f"There is no folder {name} in those that may be read ({folders}): TENFOLD_ROOTS names them."
        raise NotFound(text, code="weights.folder")


def _tensor(file: Any, name: str) -> Floats:  # Any: as above
    if file.get_slice(name).get_dtype() not in _TYPES:
        text = f"{name[:120]} has numbers of type {file.get_slice(name).get_dtype()}"
        raise Damaged(f"{text}; read are {', '.join(sorted(_TYPES))}.", code="weights.type")
    return np.asarray(file.get_tensor(name), np.float32)


def _numbers(value: Json) -> tuple[float, ...]:
    is_row = isinstance(value, list) and len(value) <= 64 and all(type(each) in {int, float} for each in value)
    return tuple(float(each) for each in value) if is_row else ()  # type: ignore[union-attr,arg-type]
