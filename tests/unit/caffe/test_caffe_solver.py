"""A solver's settings as fields of a training, and what no field says."""

import pytest

from tenfold.adapters.formats.caffe.solver import read_solver
from tenfold.core.errors import BadNetwork
from tenfold.core.training.spec import TrainingSpec

STEPS = """net: "/etc/passwd"
base_lr: 0.01
lr_policy: "step"
gamma: 0.1
stepsize: 1000
momentum: 0.9
weight_decay: 0.0005
max_iter: 5000
iter_size: 2
solver_mode: GPU
random_seed: 7
"""


def test_what_a_training_has_fields_for_fills_them() -> None:
    solver = read_solver(STEPS)
    assert solver.fields == {"rate": 0.01, "momentum": 0.9, "weight_decay": 0.0005, "optimizer": "sgd", "seed": 7}
    assert (solver.max_iter, solver.iter_size) == (5000, 2)
    assert solver.epochs(batch_size=64, samples=60_000) == 11
    assert solver.settings["net"] == ("/etc/passwd",)
    spec = TrainingSpec(dataset="digits", **solver.fields)  # type: ignore[arg-type]
    assert spec.problems() == []


def test_what_no_field_says_is_named_with_its_line() -> None:
    assert read_solver(STEPS).unsaid == (
        "Line 3: `lr_policy` is step, for which a training has no field.",
        "Line 4: `gamma` is 0.1, for which a training has no field.",
        "Line 5: `stepsize` is 1000, for which a training has no field.",
        "Line 9: `iter_size` is 2, for which a training has no field.",
    )


@pytest.mark.parametrize(
    ("kind", "optimizer"), [('type: "Adam"', "adam"), ("solver_type: SGD", "sgd"), ("solver_type: 5", "adam")]
)
def test_both_ways_to_name_the_optimizer_are_read(kind: str, optimizer: str) -> None:
    solver = read_solver(f'base_lr: 0.1 lr_policy: "fixed" {kind}')
    assert solver.fields["optimizer"] == optimizer
    assert solver.fields["schedule"] == "fixed"
    assert solver.fields["momentum"] == 0
    assert (solver.unsaid, solver.epochs(batch_size=1, samples=1)) == ((), None)


def test_another_optimizer_is_named() -> None:
    assert read_solver('base_lr: 1\ntype: "RMSProp"\nrms_decay: 0.98').unsaid == (
        "Line 2: `type` is RMSProp, for which a training has no field.",
        "Line 3: `rms_decay` is 0.98, for which a training has no field.",
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [("momentum: 0.9", "no solver"), ("base_lr: fast", "no finite"), ("max_iter: 0", "from 1"), ("max_iter {}", "1")],
)
def test_a_file_that_is_no_solver_is_refused(text: str, words: str) -> None:
    with pytest.raises(BadNetwork, match=words):
        read_solver(text)
