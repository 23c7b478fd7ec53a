"""Facts and tiles of a layer's values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tenfold.adapters.imaging.tiles import write_tiles
from tenfold.core.inference.layer_views import (
    BINS,
    MOST_PIXELS,
    STEPS,
    activation_tiles,
    facts_of,
    tiled,
    weight_tiles,
)

RANDOM = np.random.default_rng(3)


def test_facts_are_those_of_the_values() -> None:
    values = RANDOM.normal(2.0, 3.0, (4, 5, 6)).astype(np.float32)
    values[0, 0, :3] = 0
    facts = facts_of(values)
    assert facts.shape == (4, 5, 6)
    assert facts.mean == pytest.approx(values.mean(), rel=1e-5)
    assert facts.std == pytest.approx(values.std(), rel=1e-5)
    assert (facts.low, facts.high) == (values.min(), values.max())
    assert facts.zeros == pytest.approx(3 / 120)
    assert (len(facts.histogram), sum(facts.histogram), facts.strange) == (BINS, 120, 0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_counted_apart(value: float) -> None:
    values = np.array([1.0, value, 3.0, value], np.float32)
    facts = facts_of(values)
    assert (facts.strange, facts.mean, facts.low, facts.high) == (2, 2.0, 1.0, 3.0)
    nothing = facts_of(np.full(5, value, np.float32))
    assert (nothing.strange, nothing.mean, sum(nothing.histogram)) == (5, 0.0, 0)
    picture, _, _ = tiled(activation_tiles(values))
    assert picture.max() <= STEPS


def test_all_equal_values_have_a_histogram_and_a_picture() -> None:
    facts = facts_of(np.full((2, 3, 3), 7.0, np.float32))
    assert sum(facts.histogram) == 18
    picture, _, layout = tiled(np.full((2, 3, 3), 7.0, np.float32))
    assert layout.scale == "from-low"
    assert picture.max() == 0


def test_each_tile_stands_at_its_place_and_all_share_one_scale() -> None:
    maps = np.arange(6, dtype=np.float32)[:, None, None] * np.ones((6, 4, 5), np.float32)
    picture, is_gap, layout = tiled(maps)
    assert (layout.shown, layout.total, layout.height, layout.width, layout.every) == (6, 6, 4, 5, 1)
    for number in range(6):
        top, left = number // layout.columns * 5, number % layout.columns * 6
        tile = picture[top : top + 4, left : left + 5]
        assert (tile == round(number / 5 * STEPS)).all()
        assert not is_gap[top : top + 4, left : left + 5].any()
    assert is_gap.sum() == picture.size - 6 * 20


def test_both_signs_put_nothing_in_the_middle() -> None:
    picture, _, layout = tiled(np.array([[[-2.0, 0.0, 1.0]]], np.float32))
    assert layout.scale == "around-zero"
    assert picture.tolist() == [[0, STEPS // 2, round(STEPS * 0.75)]]
    below, _, layout = tiled(np.array([[[-2.0, -1.0]]], np.float32))
    assert layout.scale == "around-zero"
    assert below[0, 0] < below[0, 1] < STEPS / 2


def test_what_is_too_much_is_cut_and_told() -> None:
    _, _, many = tiled(np.zeros((5000, 56, 56), np.float32))
    assert many.shown < many.total == 5000
    picture, _, large = tiled(np.zeros((1, 4096, 9216), np.float32))
    assert large.every == 5
    assert picture.size <= MOST_PIXELS
    assert (large.height, large.width) == (820, 1844)


@pytest.mark.parametrize(
    ("shape", "tiles"),
    [
        ((20, 24, 24), (20, 24, 24)),
        ((500,), (1, 22, 23)),
        ((3,), (1, 1, 3)),
        ((), (1, 1, 1)),
        ((49, 192), (1, 49, 192)),
        ((8, 4, 6, 6), (32, 6, 6)),
    ],
)
def test_outputs_become_tiles(shape: tuple[int, ...], tiles: tuple[int, ...]) -> None:
    assert activation_tiles(np.ones(shape, np.float32)).shape == tiles


@pytest.mark.parametrize(
    ("shape", "tiles"),
    [((20, 1, 5, 5), (20, 5, 5)), ((50, 20, 3, 3), (1000, 3, 3)), ((10, 500), (1, 10, 500)), ((64,), (1, 1, 64))],
)
def test_tensors_become_tiles(shape: tuple[int, ...], tiles: tuple[int, ...]) -> None:
    assert weight_tiles(np.ones(shape, np.float32)).shape == tiles


def test_the_file_has_the_picture_with_clear_gaps(tmp_path: Path) -> None:
    maps = RANDOM.normal(0, 1, (3, 4, 4)).astype(np.float32)
    told = write_tiles(maps, tmp_path / "a.png")
    image = Image.open(tmp_path / "a.png").convert("RGBA")
    assert [*image.size] == told["picture"]
    pixels = np.asarray(image)
    _, is_gap, _ = tiled(maps)
    assert (pixels[..., 3] == np.where(is_gap, 0, 255)).all()
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
