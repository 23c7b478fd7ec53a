"""The doctor of a dataset finds what was planted, and little else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import xxhash
from unit.health_scenes import CHANGES, SIDE, Pictures, photo

from tenfold.core.datasets.edits import Assigned, apply_change
from tenfold.core.datasets.health.checkup import Examined, Subject, examine
from tenfold.core.datasets.health.codes import FindingCode
from tenfold.core.datasets.health.findings import Found, report_from_json
from tenfold.core.datasets.health.fingerprints import fingerprint
from tenfold.core.datasets.model import DELETED, RejectedFile, rejected_kinds

NUM_PHOTOS = 300
TRAIN, VAL, TEST = 0, 1, 2
Size = tuple[int, int]


class Plot:
    """Stored pictures with their classes and splits, to be checked."""

    def __init__(self, pictures: list[Pictures]) -> None:
        self.pictures = list(pictures)
        self.labels = [number % 3 for number in range(len(pictures))]
        self.splits = [TRAIN] * len(pictures)
        self.sizes = [(200, 200)] * len(pictures)

    def plant(self, picture: Pictures, *, label: int = 0, split: int = TRAIN, size: Size = (200, 200)) -> int:
        """Adds a picture and gives its index."""
        self.pictures.append(picture)
        self.labels.append(label)
        self.splits.append(split)
        self.sizes.append(size)
        return len(self.pictures) - 1

    def subject(self) -> Subject:
        stored = np.stack(self.pictures)
        hashes = [xxhash.xxh3_128_digest(picture.tobytes()) * 2 for picture in stored]
        return Subject(
            classes=("oak", "elm", "ash"),
            labels=np.array(self.labels, np.int32),
            splits=np.array(self.splits, np.int8),
            widths=np.array([width for width, _ in self.sizes], np.int32),
            heights=np.array([height for _, height in self.sizes], np.int32),
            pixel_hashes=np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, 32),
            stored=(stored.shape[2], stored.shape[1]),
            read=lambda indices: stored[indices],
            span=255,
        )

    def examined(self, **otherwise: object) -> Examined:
        subject = replace(self.subject(), **otherwise)  # type: ignore[arg-type]
        return examine(subject, fingerprint(np.stack(self.pictures), 255))

    def finding(self, code: FindingCode, **otherwise: object) -> Found | None:
        return next((each for each in self.examined(**otherwise).found if each.finding.code == code), None)


@pytest.fixture(scope="module")
def photos() -> list[Pictures]:
    return [photo(seed) for seed in range(NUM_PHOTOS)]


def figures(found: npt.NDArray[np.int32], planted: set[int]) -> tuple[float, float]:
    """Precision and recall."""
    said = set(found.tolist())
    return len(said & planted) / max(1, len(said)), len(said & planted) / len(planted)


def test_photos_that_have_nothing_wrong_have_no_findings(photos: list[Pictures]) -> None:
    examined = Plot(photos).examined()
    assert [each.sentence for each in examined.report.findings] == []
    assert set(examined.report.checked) >= {"leak", "duplicate", "near-duplicate", "blank", "outlier"}


@pytest.mark.parametrize("change", CHANGES)
def test_near_duplicates_are_found_whatever_was_done_to_them(photos: list[Pictures], change: str) -> None:
    plot = Plot(photos)
    planted = {plot.plant(CHANGES[change](seed), label=seed % 3) for seed in range(0, 100, 2)}
    found = plot.finding("near-duplicate")
    assert found is not None
    precision, recall = figures(found.chosen, planted)
    print(f"\nnear duplicates, {change}: precision {precision:.3f}, recall {recall:.3f}")
    assert precision >= 0.99
    assert recall >= 0.95
    assert set(found.samples.tolist()) == {seed for seed in range(0, 100, 2)} | planted


def test_exact_duplicates_are_found_and_one_of_each_is_kept(photos: list[Pictures]) -> None:
    plot = Plot(photos)
    planted = {plot.plant(photos[seed], label=seed % 3) for seed in (5, 9, 9, 11)}
    found = plot.finding("duplicate")
    assert found is not None
    assert set(found.chosen.tolist()) == planted
    assert sorted(found.samples.tolist()) == sorted({5, 9, 11} | planted)
    assert found.finding.sentence == "4 pictures are there twice, exactly, within a split"
    assert found.finding.fix is not None
    assert found.finding.fix.action == "exclude"
    assert plot.finding("near-duplicate") is None


def test_leaks_are_told_with_the_harm_they_do(photos: list[Pictures]) -> None:
    plot = Plot(photos)
    plot.splits[100:200] = [TEST] * 100
    leaked = [plot.plant(CHANGES["recoded"](4), split=TEST, label=1), plot.plant(photos[6], split=VAL)]
    found = plot.finding("leak")
    assert found is not None
    assert found.chosen.tolist() == leaked
    assert found.samples.tolist() == [4, leaked[0], 6, leaked[1]]
    assert found.finding.sentence == "1 picture of test and 1 of validation are in training, too"
    assert found.finding.why == (
        "Test accuracy may read up to 1.0 points too high. Validation accuracy may read up to 100.0 points too high."
    )
    assert found.finding.fix is not None
    assert (found.finding.fix.action, found.finding.fix.to_split) == ("move", "train")
    assert plot.finding("duplicate") is None


def test_what_validation_and_test_share_is_told_apart(photos: list[Pictures]) -> None:
    plot = Plot(photos)
    one, other = plot.plant(photo(900), split=VAL), plot.plant(photo(900), split=TEST)
    found = plot.finding("leak-val")
    assert found is not None
    assert (found.samples.tolist(), found.chosen.tolist()) == ([one, other], [other])
    assert plot.finding("leak") is None


def test_twins_of_two_classes_contradict_each_other(photos: list[Pictures]) -> None:
    plot = Plot(photos)
    exact, near = plot.plant(photos[7], label=2), plot.plant(CHANGES["resized"](30), label=1)
    found = plot.finding("contradiction")
    assert found is not None
    assert found.samples.tolist() == [7, exact, 30, near]
    assert found.finding.sentence == "4 pictures have a twin of another class"
    assert plot.finding("duplicate") is None
    assert plot.finding("near-duplicate") is None


def test_pictures_that_show_nothing_are_found(photos: list[Pictures]) -> None:
    plot = Plot(photos)
    red = np.zeros((SIDE, SIDE, 3), np.uint8)
    red[..., 0] = 200
    blank = {plot.plant(red), plot.plant(np.full_like(red, 255))}
    dim = {plot.plant((photos[1] // 25).astype(np.uint8)), plot.plant((245 + photos[2] // 25).astype(np.uint8))}
    found, dark = plot.finding("blank"), plot.finding("extreme-light")
    assert found is not None
    assert dark is not None
    assert set(found.samples.tolist()) == blank
    assert set(dark.samples.tolist()) == dim
    assert found.finding.severity == "bad"


def test_odd_sizes_are_found(photos: list[Pictures]) -> None:
    plot = Plot(photos)
    tiny, wide = plot.plant(photo(901), size=(16, 20)), plot.plant(photo(902), size=(900, 100))
    small, long = plot.finding("extreme-size"), plot.finding("extreme-shape")
    assert small is not None
    assert long is not None
    assert (small.samples.tolist(), long.samples.tolist()) == ([tiny], [wide])


def test_what_is_unlike_all_others_is_found(photos: list[Pictures]) -> None:
    """Photos of one scene, and among them a chequered board and noise."""
    rng = np.random.default_rng(3)
    scene = photo(77).astype(np.float64)
    alike = [0.75 * scene + 0.25 * other + rng.normal(0, 6, scene.shape) for other in photos]
    plot = Plot([picture.clip(0, 255).astype(np.uint8) for picture in alike])
    board = (np.indices((SIDE, SIDE)).sum(axis=0) // 16 % 2 * 255).astype(np.uint8)
    odd = {plot.plant(np.repeat(board[..., None], 3, axis=2)), plot.plant(photo(500)), plot.plant(photo(501))}
    found = plot.finding("outlier")
    assert found is not None
    assert set(found.samples[:3].tolist()) == odd
    assert len(found.samples) <= 6


def test_tiny_and_unequal_classes_are_told(photos: list[Pictures]) -> None:
    plot = Plot(photos)
    plot.labels = [0] * 250 + [1] * 45 + [2] * 5
    tiny, unequal = plot.finding("tiny-class"), plot.finding("imbalance")
    assert tiny is not None
    assert unequal is not None
    assert tiny.finding.sentence == "1 class has fewer than 10 pictures for training"
    assert tiny.finding.why.startswith("ash (5)")
    assert tiny.samples.tolist() == list(range(295, 300))
    assert unequal.finding.sentence == "Classes are unequal, 5.6 : 1"
    assert "Who always says oak is right in 83 %" in unequal.finding.why
    assert len(unequal.chosen) == 250 - 5 * 45
    assert unequal.chosen.max() < 250


def test_files_that_could_not_be_read_are_told_by_name(photos: list[Pictures]) -> None:
    files = [RejectedFile(f"oak/{number}.jpg", "image.unreadable", "It ends after 12 of 31 kB.") for number in (7, 8)]
    files.append(RejectedFile("oak/1.jpg", "group.two-splits", "P03 is named in two splits."))
    rejected = rejected_kinds({"image.unreadable": 9, "group.two-splits": 1}, files)
    found = Plot(photos).finding("unreadable", num_seen=310, num_rejected=10, rejected=rejected)
    assert found is not None
    assert found.finding.severity == "bad"
    assert found.finding.why.startswith(
        "9 files, as oak/7.jpg: It ends after 12 of 31 kB. oak/1.jpg: P03 is named in two splits."
    )
    assert found.finding.fix is None


def test_what_is_excluded_is_not_looked_at(photos: list[Pictures]) -> None:
    plot = Plot(photos)
    plot.splits[plot.plant(photos[3])] = ~TRAIN
    plot.splits[plot.plant(np.zeros_like(photos[0]))] = ~TEST
    assert plot.examined().report.findings == ()
    assert plot.examined().report.num_samples == NUM_PHOTOS


def test_what_is_deleted_is_not_looked_at(photos: list[Pictures]) -> None:
    plot = Plot(photos[:60])
    twin = plot.plant(photos[0], split=DELETED)
    plot.plant(np.zeros((SIDE, SIDE, 3), np.uint8), split=DELETED)
    assert plot.examined().report.findings == ()
    plot.splits[twin] = TRAIN
    assert plot.finding("duplicate") is not None


def test_a_report_comes_back_from_its_json(photos: list[Pictures]) -> None:
    plot = Plot(photos)
    plot.plant(photos[3], split=TEST)
    report = plot.examined().report
    assert report_from_json(report.to_json()) == report
    assert report.num_bad == 1


def strokes(seed: int) -> Pictures:
    """A bright line on black, as digits are: dark on the whole, and of high contrast."""
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    picture[10 + seed % 40 : 15 + seed % 40, 8:50] = 255 - seed % 30
    picture[8:56, 6 + seed % 50 : 10 + seed % 50] = 250
    return picture


def pale(picture: Pictures) -> Pictures:
    return (120 + picture.astype(np.float64) / 255 * 20).astype(np.uint8)


def night(picture: Pictures) -> Pictures:
    return (picture // 9).astype(np.uint8)


def test_a_dataset_that_is_dark_or_flat_throughout_is_told(
    photos: list[Pictures], record_property: Callable[[str, object], None]
) -> None:
    """Each case is a whole dataset; a few pictures that are bright change nothing, half of them do."""
    few = photos[:60]
    cases = {
        "night": ([*map(night, few[:57]), *few[57:]], True),
        "deep files that use 10 of 16 bits": ([(each // 14).astype(np.uint8) for each in few], True),
        "fog": ([*map(pale, few[:58]), *few[58:]], True),
        "photos": (few, False),
        "strokes on black": ([strokes(seed) for seed in range(60)], False),
        "half in the night": ([*map(night, few[:30]), *few[30:]], False),
        "bright": ([(155 + each // 3).astype(np.uint8) for each in few], False),
        "too few to tell": ([*map(night, few[:12])], False),
    }
    said = {name: Plot(pictures).finding("faint") for name, (pictures, _) in cases.items()}
    planted = {name for name, (_, is_faint) in cases.items() if is_faint}
    named = {name for name, found in said.items() if found is not None}
    precision, recall = len(named & planted) / max(1, len(named)), len(named & planted) / len(planted)
    record_property("faint", f"precision {precision:.2f}, recall {recall:.2f}")
    print(f"faint datasets: precision {precision:.2f}, recall {recall:.2f} of {len(cases)} cases")
    assert (precision, recall) == (1, 1), named ^ planted
    found = said["night"]
    assert found is not None
    assert found.finding.sentence == "95.0 % of all pictures are dark: the whole dataset is"
    assert (found.finding.fix, len(found.samples)) == (None, 57)
    assert Plot(cases["night"][0]).finding("extreme-light") is None


def test_classes_that_differ_by_case_or_blanks_are_found_and_merged(photos: list[Pictures]) -> None:
    names = ("oak", "Oak ", "elm", "ELM", "ash", "as h", "ashes", "é", "e\N{COMBINING ACUTE ACCENT}", "OAK")
    planted = {1, 3, 8, 9}
    counts = (60, 9, 40, 20, 30, 30, 30, 30, 20, 31)
    plot = Plot(photos)
    plot.labels = np.repeat(np.arange(len(names)), counts).tolist()
    found = plot.finding("class-twin", classes=names)
    assert found is not None
    precision, recall = figures(np.unique(np.array(plot.labels)[found.samples]), planted)
    print(f"classes written otherwise: precision {precision:.2f}, recall {recall:.2f}")
    assert (precision, recall) == (1, 1)
    assert found.finding.count == 3
    assert found.finding.fix is not None
    assert (found.finding.fix.word, found.finding.fix.label) == ("Merge 40 into oak", "oak")
    subject = replace(plot.subject(), classes=names)
    before = Assigned(names, subject.labels, subject.splits)
    merged = apply_change(found.finding.fix.change, before, found.chosen)
    assert np.bincount(merged.labels)[[0, 1]].tolist() == [100, 0]
    plot.labels = merged.labels.tolist()
    again = plot.finding("class-twin", classes=names)
    assert again is not None
    assert (again.finding.count, again.finding.fix and again.finding.fix.label) == (2, "elm")
    assert Plot(photos).finding("class-twin") is None
