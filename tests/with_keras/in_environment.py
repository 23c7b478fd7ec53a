"""Runs in the Keras environment, without PyTorch: the contract of a backend, and PyTorch's answers.

`make campaign NAME=keras` starts it with that environment's Python; `TENFOLD_TORCH_ANSWERS` names the folder that
`keras_answers.write_answers` filled.
"""

from __future__ import annotations

import os
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras_texts import TEXTS

from tenfold.adapters.frameworks.keras.backend import KerasBackend
from tenfold.adapters.frameworks.keras.builder import KerasNetwork, build_network
from tenfold.adapters.frameworks.keras.layers.layer import channels_first
from tenfold.adapters.frameworks.keras.layers.table import KINDS
from tenfold.adapters.frameworks.numpy.backend import NumpyBackend
from tenfold.core.errors import BadNetwork, Invalid
from tenfold.core.networks.analysis import require_graph
from tenfold.core.networks.initialisers import initial_weights
from tenfold.core.networks.vocabulary import LAYERS
from tenfold.core.training.frameworks import FRAMEWORKS
from tenfold.tasks.classification.keras import ClassificationHead
from tenfold.tasks.classification.numpy import ClassificationHead as NumpyHead
from tenfold.testing.backends import NETWORK, ArraySamples, BackendContract, make_plan, train

tf.config.threading.set_intra_op_parallelism_threads(1)  # before anything is computed
ANSWERS = Path(os.environ["TENFOLD_TORCH_ANSWERS"])
TOLERANCE = 1e-4
WITHOUT_DROPOUT = NETWORK.replace("dropout(0.3)", "identity").replace("dropout(0.2)", "identity")


class TestKeras(BackendContract):
    def make(self, network: str = NETWORK, **fields: object) -> KerasBackend:
        return KerasBackend(make_plan(ClassificationHead(), network=network, **fields), ArraySamples())

    def test_names_the_cpu_and_its_threads(self) -> None:
        assert self.make().device == "CPU, 1 thread, Keras on TensorFlow"

    def test_refuses_a_device_that_is_no_cpu(self) -> None:
        with pytest.raises(Invalid, match="Keras runs on the CPU here, not on cuda:0"):
            KerasBackend(make_plan(ClassificationHead(), device="cuda:0"), ArraySamples())


def test_every_kind_is_built_or_declared_as_lacking():
    kinds = {kind.stands_for or name for name, kind in LAYERS.items()} - {"share"}
    assert set(KINDS) | set(FRAMEWORKS["keras"].lacking_kinds) == kinds
    assert not set(KINDS) & set(FRAMEWORKS["keras"].lacking_kinds)
    compared = {node.kind for text in TEXTS.values() for node in require_graph(text).nodes}
    assert compared == set(KINDS) - {"dropout", "drop_path"}
    graph = require_graph("network n\ninput x = sequence(4, 6)\na = lstm(2)\noutput y\n")
    with pytest.raises(BadNetwork, match="The Keras backend has no `lstm` as `a` needs it: use PyTorch"):
        build_network(graph, seed=0)


@pytest.mark.parametrize("name", TEXTS)
def test_outputs_gradients_and_state_are_those_of_pytorch(name):
    """From the same weights; arrays within 1e-4 of their largest value."""
    graph = require_graph(TEXTS[name])
    with np.load(ANSWERS / f"{name}.npz") as answers:
        expected = dict(answers)
    network = KerasNetwork(graph, initial_weights(graph, seed=3), seed=0)
    inputs = [tf.constant(expected.pop(f"input {item.name}")) for item in graph.inputs]
    pulls = {item.name: expected.pop(f"pull {item.name}") for item in graph.outputs}
    with tf.GradientTape() as tape:
        outputs = network.forward_channels_first(*inputs, is_training=True)
        total = sum(tf.reduce_sum(outputs[each] * pull) for each, pull in pulls.items())
    frozen = {node.path for node in graph.nodes if node.training.get("frozen")}
    trained = [f"{node.path}.{each}" for node in graph.nodes for each in node.weights if node.weights[each].trainable]
    trained = [path for path in trained if path.rpartition(".")[0] not in frozen]
    states = [f"{node.path}.{each}" for node in graph.nodes for each in node.weights]
    states = [path for path in states if path.endswith(("running_mean", "running_var"))]
    found = {f"output {each}": value.numpy() for each, value in outputs.items()}
    gradients = tape.gradient(total, [network.weights[path].value for path in trained])
    found |= {
        f"gradient {path}": tf.convert_to_tensor(value).numpy() for path, value in zip(trained, gradients, strict=True)
    }
    found |= {f"state {path}": network.weights[path].numpy() for path in states}
    assert found.keys() == expected.keys()
    for each, value in expected.items():
        assert found[each].shape == value.shape, each
        assert found[each].dtype == value.dtype, each
        assert np.abs(found[each] - value).max() <= TOLERANCE * max(1.0, float(np.abs(value).max())), each


def test_layers_that_drop_do_so_while_training_alone_and_draw_anew():
    x = np.ones((6, 4, 5, 5), np.float32)
    for layer, is_by_sample in (("dropout(0.5)", False), ("drop_path(0.5)", True)):
        network = build_network(require_graph(f"network n\ninput x = image(4, 5, 5)\n{layer}\noutput y\n"), seed=1)
        first, second, still = (
            network.forward_channels_first(keras.ops.convert_to_tensor(x), is_training=training)["y"].numpy()
            for training in (True, True, False)
        )
        assert set(np.unique(first)) == {0.0, 2.0}
        assert not np.array_equal(first, second)
        assert all(len(np.unique(sample)) == 1 for sample in first) == is_by_sample
        np.testing.assert_array_equal(still, x)


def test_attention_drops_shares_while_training_alone():
    text = "network n\ninput x = sequence(4, 6)\na = attention(2, dropout=0.5)\noutput y\n"
    network = build_network(require_graph(text), seed=1)
    x = keras.ops.convert_to_tensor(np.random.default_rng(0).normal(size=(3, 4, 6)).astype(np.float32))
    given = [network.forward_channels_first(x, is_training=training)["y"].numpy() for training in (True, True, False)]
    without = build_network(require_graph(text.replace(", dropout=0.5", "")), seed=1)
    np.testing.assert_array_equal(given[2], without.forward_channels_first(x, is_training=True)["y"].numpy())
    assert not np.array_equal(given[0], given[1])


@pytest.mark.parametrize("weight", [None, np.linspace(0.1, 4, 40, dtype=np.float32)], ids=["alike", "weighted"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_ten_steps_are_those_of_numpy(optimizer, weight):
    """Which in turn are PyTorch's; Adam divides by gradients near zero, so its weights are compared more loosely."""
    found = []
    for backend, head in ((KerasBackend, ClassificationHead()), (NumpyBackend, NumpyHead())):
        samples = ArraySamples()
        samples.weight = weight
        fields = {"network": WITHOUT_DROPOUT, "optimizer": optimizer, "weight_decay": 0.01}
        made = backend(make_plan(head, **fields), samples)
        train(made, 0, 10, rate=0.01)
        made.evaluate_batch("val", 0, 13)
        found.append((made.take_training_totals(), made.take_evaluation_totals(), made.state().weights()))
    for one, other in zip(found[0][:2], found[1][:2], strict=True):
        assert one.samples == other.samples
        assert one.sums["accuracy"] == other.sums["accuracy"]
        assert one.sums["loss"] == pytest.approx(other.sums["loss"], rel=1e-4)
    for key, tensor in found[0][2].items():
        assert np.abs(tensor - found[1][2][key]).max() < (1e-4 if optimizer == "sgd" else 1e-3), key


def test_values_are_channels_last_inside():
    """Seen red: a flatten that followed memory gave other logits."""
    graph = require_graph("network n\ninput x = image(2, 3, 4)\nflatten\noutput y\n")
    x = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
    flat = build_network(graph, seed=0).forward(keras.ops.convert_to_tensor(x.transpose(0, 2, 3, 1)))["y"]
    np.testing.assert_array_equal(flat.numpy(), x.reshape(1, 24))
    np.testing.assert_array_equal(channels_first(keras.ops.convert_to_tensor(x.transpose(0, 2, 3, 1))).numpy(), x)
