"""A Caffe solver's settings, as fields of a training where it has them; no file that it names is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tenfold.adapters.formats.caffe.prototxt import (
    Field,
    Message,
    Scalar,
    never,
    read_prototxt,
    too_much,
    unreadable,
)
from tenfold.core.errors import BadNetwork

_OPTIMIZERS = {"SGD": "sgd", "ADAM": "adam", "0": "sgd", "5": "adam"}
_SCHEDULES = {"fixed": "fixed"}
_MAX_SETTINGS = 200
_MOST_TOLD = 20
_SHOWN = 200
_BOOKKEEPING = frozenset(
    [
        "net",
        "train_net",
        "test_net",
        "net_param",
        "train_net_param",
        "test_net_param",
        "test_iter",
        "test_interval",
        "test_initialization",
        "test_compute_loss",
        "display",
        "average_loss",
        "snapshot",
        "snapshot_prefix",
        "snapshot_format",
        "snapshot_diff",
        "snapshot_after_train",
        "solver_mode",
        "device_id",
        "debug_info",
        "train_state",
        "test_state",
        "weights",
        "layer_wise_reduce",
    ]
)
_NUMBERS = {"base_lr": "rate", "momentum": "momentum", "weight_decay": "weight_decay"}


@dataclass(frozen=True, kw_only=True)
class CaffeSolver:
    """What a solver asks for.

    `fields` are fields of a training by name (`rate`, `momentum`, `optimizer`); `max_iter` counts batches, of which
    `iter_size` make a step, and becomes epochs once the batch size and the dataset are known. `settings` are all values
    as they are written, `unsaid` those that no field of a training says, each with its line.
    """

    fields: Mapping[str, str | int | float]
    max_iter: int | None
    iter_size: int
    settings: Mapping[str, tuple[str, ...]]
    unsaid: tuple[str, ...]

    def epochs(self, *, batch_size: int, samples: int) -> int | None:
        """The least number of epochs that shows as many pictures, at least 1."""
        if self.max_iter is None:
            return None
        return max(1, -(-self.max_iter * self.iter_size * batch_size // samples))


def read_solver(content: str | bytes, is_late: Callable[[], bool] = never) -> CaffeSolver:
    """The settings of a solver's prototxt; raises `BadNetwork` with the line of what is wrong."""
    solver = read_prototxt(content, is_late)
    if not solver.has("base_lr") and not solver.has("max_iter"):
        text = "It is no solver: there is neither `base_lr` nor `max_iter` in it."
        raise BadNetwork(text, code="caffe.no-solver", line=1)
    settings = _settings(solver)
    fields: dict[str, str | int | float] = {
        ours: solver.number(theirs, 0.0) for theirs, ours in _NUMBERS.items() if theirs in settings
    }
    # Caffe's own defaults, which a training's differ from
    fields = {"momentum": 0.0, "weight_decay": 0.0, **fields}
    kind = "type" if "type" in settings else "solver_type"
    unsaid = [] if _optimizer(solver) in _OPTIMIZERS else [_said(kind, settings[kind])]
    fields["optimizer"] = _OPTIMIZERS.get(_optimizer(solver), "sgd")
    if solver.text("lr_policy", "fixed") in _SCHEDULES:
        fields |= {"schedule": "fixed", "warm_up": 0.0}
    if solver.integer("random_seed", -1) >= 0:
        fields["seed"] = solver.integer("random_seed", 0)
    return CaffeSolver(
        fields=fields,
        max_iter=_positive(solver, "max_iter"),
        iter_size=_positive(solver, "iter_size") or 1,
        settings={name: _written(found) for name, found in settings.items()},
        unsaid=(*unsaid, *(_said(name, found) for name, found in settings.items() if _is_unsaid(solver, name))),
    )


def _settings(solver: Message) -> dict[str, list[Field]]:
    """The fields by name; raises `BadNetwork` where there are more than any solver has."""
    found: dict[str, list[Field]] = {}
    for field in solver.fields:
        found.setdefault(field.name, []).append(field)
        if len(found) > _MAX_SETTINGS or len(found[field.name]) > _MAX_SETTINGS:
            raise too_much(field.line, f"There are more than {_MAX_SETTINGS} settings: no solver has so many.")
    return found


def _optimizer(solver: Message) -> str:
    return solver.text("type", solver.text("solver_type", "SGD")).upper()


def _written(fields: list[Field]) -> tuple[str, ...]:
    return tuple(field.value.text[:_SHOWN] for field in fields if isinstance(field.value, Scalar))


def _is_unsaid(solver: Message, name: str) -> bool:
    """Whether a setting changes the training and no field says so."""
    if name in _BOOKKEEPING or name in {*_NUMBERS, "max_iter", "random_seed", "type", "solver_type"}:
        return False
    if name == "lr_policy":
        return solver.text(name) not in _SCHEDULES
    if name == "regularization_type":
        return solver.text(name) != "L2"
    return name != "iter_size" or solver.integer(name, 1) != 1


def _said(name: str, fields: list[Field]) -> str:
    values = ", ".join(_written(fields)[:_MOST_TOLD]) or "set"
    return f"Line {fields[0].line}: `{name[:_SHOWN]}` is {values}, for which a training has no field."


def _positive(solver: Message, name: str) -> int | None:
    if not solver.has(name):
        return None
    number = solver.integer(name, 0)
    if number < 1:
        line = next(field.line for field in solver.fields if field.name == name)
        raise unreadable(line, f"`{name}` is {number}, allowed are whole numbers from 1.")
    return number
