"""Confident learning: figures derived by hand, and flipped labels found."""

from __future__ import annotations

import numpy as np
import pytest

from tenfold.core.datasets.health.findings import Judged
from tenfold.core.datasets.health.judging import (
    MOST_FEATURES,
    JudgeSpec,
    class_columns,
    in_columns,
    shortened,
    unseen_by,
)
from tenfold.core.datasets.health.labels import doubts, label_findings

# Six samples of two classes; the thresholds are (0.9 + 0.8 + 0.1) / 3 = 0.6 and (0.7 + 0.6 + 0.3) / 3 = 0.5333.
SAID = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.3, 0.7], [0.4, 0.6], [0.7, 0.3]], np.float32)
LABELS = np.array([0, 0, 0, 1, 1, 1])


def test_the_confident_joint_is_the_one_of_the_paper() -> None:
    said = SAID.copy()
    judged = doubts(said, LABELS)
    assert np.array_equal(said, SAID)
    assert judged.thresholds == pytest.approx([0.6, 1.6 / 3])
    assert judged.counted.tolist() == [[2, 1], [1, 2]]
    assert judged.suspects.tolist() == [2, 5]
    assert judged.margin == pytest.approx([0.8, 0.6, -0.8, 0.4, 0.2, -0.4])
    assert judged.ranking.tolist() == [2, 5, 4, 3, 1, 0]


def test_a_sample_that_reaches_no_threshold_counts_for_none() -> None:
    said = np.array([[0.9, 0.1], [0.5, 0.5], [0.1, 0.9]], np.float32)
    judged = doubts(said, np.array([0, 0, 1]))
    assert judged.thresholds == pytest.approx([0.7, 0.9])
    assert judged.counted.sum() == 2
    assert judged.suspects.tolist() == []


def test_a_class_without_samples_takes_none() -> None:
    judged = doubts(np.array([[0.2, 0.1, 0.7], [0.1, 0.8, 0.1]], np.float32), np.array([0, 1]))
    assert judged.counted.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]


def test_flipped_labels_come_first() -> None:
    chance = np.random.default_rng(5)
    true = chance.integers(0, 10, 20_000)
    logits = chance.normal(0, 1, (20_000, 10))
    logits[np.arange(20_000), true] += 5
    said = (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype(np.float32)
    flipped = chance.choice(20_000, 400, replace=False)
    labels = true.copy()
    labels[flipped] = (true[flipped] + chance.integers(1, 10, 400)) % 10
    judged = doubts(said, labels)
    top = set(judged.ranking[:1000].tolist())
    assert len(top & set(flipped.tolist())) >= 0.95 * 400
    assert len(set(judged.suspects.tolist()) & set(flipped.tolist())) >= 0.8 * len(judged.suspects)


def test_the_page_says_who_judged_what() -> None:
    indices = np.arange(10, 16)
    by_runs = Judged(names=("a", "b"), num_folds=2, num_unseen=6, accuracy=4 / 6)
    (found,) = label_findings(indices, doubts(SAID, LABELS), by_runs)
    assert found.finding.sentence == "2 labels are probably wrong"
    assert found.samples.tolist() == [12, 15]
    assert "by 2 runs, each on pictures that it had not learnt from, right in 66.7 %" in found.finding.why
    by_one = Judged(names=("first",), num_unseen=6, accuracy=0.5)
    (found,) = label_findings(indices, doubts(SAID, LABELS), by_one)
    assert "by first on the 6 pictures that it had not learnt from alone" in found.finding.why


def test_classes_are_matched_by_name() -> None:
    columns = class_columns(("oak", "elm", "ash"), ("ash", "oak", "fir"))
    assert columns.tolist() == [1, -1, 0]
    placed = in_columns(np.array([[0.5, 0.3, 0.2]], np.float32), columns, 3)
    assert placed == pytest.approx(np.array([[0.2, 0.5, 0]]))


def test_a_model_of_another_dataset_has_seen_nothing() -> None:
    spec = JudgeSpec(model="mod_1", name="first", task="classification", parameters={})
    assert unseen_by(spec, None, 5).all()
    assert JudgeSpec.from_json(spec.to_json()) == spec


def test_many_features_keep_their_distances_nearly() -> None:
    features = np.random.default_rng(1).normal(size=(30, 2000)).astype(np.float32)
    short = shortened(features)
    assert short.shape == (30, MOST_FEATURES)
    assert np.linalg.norm(short, axis=1) == pytest.approx(np.ones(30), abs=1e-5)
    whole = features / np.linalg.norm(features, axis=1, keepdims=True)
    assert np.abs(short @ short.T - whole @ whole.T).max() < 0.45
