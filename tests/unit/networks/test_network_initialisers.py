"""First weights are functions of seed and path alone, and have the distribution their names promise."""

import math

import numpy as np
import pytest

from tenfold.core.networks.analysis import require_graph
from tenfold.core.networks.initialisers import INITIALISERS, initial_tensor, initial_weights
from tenfold.core.networks.values import Initialiser


def draw(name: str, *arguments: float | str, shape: tuple[int, ...] = (64, 32, 3, 3), seed: int = 0) -> np.ndarray:
    return initial_tensor(Initialiser(name, arguments), shape, seed=seed, path="a.weight")


def test_values_are_the_same_on_every_machine_and_for_ever():
    drawn = draw("uniform", 1.0, shape=(3,), seed=42)
    assert drawn.tolist() == [-0.7318266034126282, -0.8397948145866394, -0.8300508856773376]


def test_inserting_a_layer_changes_no_other_layers_weights(lenet):
    longer = lenet.replace("flatten\n", "extra = conv(50, 1)\nflatten\n")
    before = initial_weights(require_graph(lenet), seed=1)
    after = initial_weights(require_graph(longer), seed=1)
    assert after.keys() - before.keys() == {"extra.weight", "extra.bias"}
    assert all(np.array_equal(after[path], tensor) for path, tensor in before.items())


def test_seeds_and_paths_give_different_values():
    one = draw("normal", 1.0)
    assert not np.array_equal(one, draw("normal", 1.0, seed=1))
    assert not np.array_equal(one, initial_tensor(Initialiser("normal", (1.0,)), one.shape, seed=0, path="b.weight"))


def test_the_default_is_pytorchs(lenet):
    weights = initial_weights(require_graph(lenet), seed=0)
    for path, fan_in in (("conv1", 25), ("conv2", 500), ("ip1", 800), ("ip2", 500)):
        bound = 1 / math.sqrt(fan_in)
        for name in ("weight", "bias"):
            tensor = weights[f"{path}.{name}"]
            assert tensor.dtype == np.float32
            assert np.abs(tensor).max() <= np.float32(bound)
        assert weights[f"{path}.weight"].std() == pytest.approx(bound / math.sqrt(3), rel=0.1)


FAN_IN, FAN_OUT = 32 * 9, 64 * 9


@pytest.mark.parametrize(
    ("name", "arguments", "deviation"),
    [
        ("normal", (0.02,), 0.02),
        ("uniform", (0.3,), 0.3 / math.sqrt(3)),
        ("truncated_normal", (0.5,), 0.5 * 0.8796),
        ("kaiming_normal", (), math.sqrt(2 / FAN_IN)),
        ("kaiming_normal", ("fan_out",), math.sqrt(2 / FAN_OUT)),
        ("kaiming_uniform", (), math.sqrt(2 / FAN_IN)),
        ("xavier_normal", (), math.sqrt(2 / (FAN_IN + FAN_OUT))),
        ("xavier_uniform", (), math.sqrt(2 / (FAN_IN + FAN_OUT))),
        ("lecun_normal", (), math.sqrt(1 / FAN_IN)),
        ("lecun_uniform", (), math.sqrt(1 / FAN_IN)),
    ],
)
def test_distributions(name, arguments, deviation):
    drawn = draw(name, *arguments)
    assert drawn.std() == pytest.approx(deviation, rel=0.03)
    assert abs(drawn.mean()) < 0.03 * deviation + 1e-3


def test_constants_and_structured_initialisers():
    assert np.all(draw("zeros") == 0)
    assert np.all(draw("ones") == 1)
    assert np.all(draw("constant", -3.0) == -3)
    assert np.abs(draw("truncated_normal", 1.0)).max() <= 2
    for shape in ((8, 20), (20, 8)):
        matrix = draw("orthogonal", shape=shape)
        product = matrix @ matrix.T if shape[0] < shape[1] else matrix.T @ matrix
        assert np.allclose(product, np.eye(8), atol=1e-5)
    assert draw("bilinear_kernel", shape=(1, 1, 4))[0, 0].tolist() == [0.25, 0.75, 0.75, 0.25]


def test_every_initialiser_draws_every_rank():
    for name, kind in INITIALISERS.items():
        arguments = tuple(0.1 for _, default in kind.arguments if default is None)
        for shape in ((5,), (3, 4), (3, 4, 2), (3, 4, 2, 3)):
            drawn = draw(name, *arguments, shape=shape)
            assert drawn.shape == shape
            assert np.isfinite(drawn).all()
