"""What a person asks for when a dataset is made from pictures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tenfold.core.datasets.class_names import class_name_of
from tenfold.core.datasets.model import ONE_CLASS, LabelKind
from tenfold.core.datasets.preprocessing import Profile, ResizeMode, Scaling
from tenfold.core.errors import Problem
from tenfold.core.fields import Choice, declare

ColourMode = Literal["auto", "grey", "rgb", "all"]
MAX_SIDE = 4096
_HEX = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True, kw_only=True)
class DatasetSpec:
    """How pictures become a dataset revision; the same values over the same files give the same bytes."""

    width: int | None = declare(
        None,
        label="Width",
        help="Every picture is stored this wide. Empty: decided from the pictures, and shown with the reason.",
        unit="px",
        minimum=1,
        maximum=MAX_SIDE,
        level="common",
        group="Pictures",
    )
    height: int | None = declare(
        None,
        label="Height",
        help="Every picture is stored this high. Empty: decided from the pictures, and shown with the reason.",
        unit="px",
        minimum=1,
        maximum=MAX_SIDE,
        level="common",
        group="Pictures",
    )
    colour: ColourMode = declare(
        "auto",
        label="Colour",
        help="Grey pictures need a third of the room. Automatic keeps colour if any picture looked at has it.",
        level="common",
        group="Pictures",
        choices=(
            Choice("auto", "Automatic", "Grey if all pictures looked at are grey, otherwise colour."),
            Choice("grey", "Grey", "One channel; colour is turned into brightness."),
            Choice("rgb", "Colour", "Three channels: red, green, blue."),
            Choice("all", "All channels", "The files' own channels, 1 to 64, transparency among them."),
        ),
    )
    resize: ResizeMode = declare(
        "squash",
        label="Resize",
        help="What happens to a picture whose shape is not the one asked for.",
        level="common",
        group="Pictures",
        choices=(
            Choice("squash", "Squash", "Stretch it to the size; the whole picture stays, its proportions change."),
            Choice("crop", "Crop", "Keep the proportions and cut off what stands over, evenly on both sides."),
            Choice("fill", "Fill", "Keep the proportions and the whole picture; the background colour fills the rest."),
            Choice(
                "half",
                "Half crop, half fill",
                "Keep the proportions; half of what would be cut off is cut off, "
                "and the background colour fills the rest.",
            ),
        ),
    )
    label_kind: LabelKind = declare(
        "class",
        label="Kind of label",
        help="What is known of a picture. Several classes and numbers are stored, split, shown and exported; "
        "training on them comes later.",
        level="common",
        group="Labels",
        choices=(
            Choice("class", "One class", "Each picture is of one class."),
            Choice("classes", "Several classes", "Each has any number of classes, parted by | or ; in a table."),
            Choice("order", "Classes in an order", "Each is of one class, and the classes are steps, as grades are."),
            Choice("number", "A number", "Each has a number, as an age or a score."),
        ),
    )
    class_order: str = declare(
        "",
        label="Order of the classes",
        help="For classes in an order: their names from the first to the last, parted by commas. "
        "Empty: numbers by their size, then the alphabet.",
        level="common",
        group="Labels",
    )
    validation_share: float = declare(
        10.0,
        label="For validation",
        help="This share of every class is kept from training and measured after every epoch.",
        unit="%",
        minimum=0,
        maximum=90,
        level="essential",
        group="Split",
    )
    test_share: float = declare(
        10.0,
        label="For testing",
        help="This share of every class is measured once, at the end, and never trained on.",
        unit="%",
        minimum=0,
        maximum=90,
        level="essential",
        group="Split",
    )
    folder_splits: bool = declare(
        True,
        label="Use train, val and test folders",
        help="If the folder holds train, val or test folders, their pictures stay in that split; "
        "the shares above are then taken from train for the splits that have no folder.",
        level="common",
        group="Split",
    )
    seed: int = declare(
        42,
        label="Seed",
        help="The same seed over the same pictures gives the same split.",
        minimum=0,
        maximum=2**31 - 1,
        level="everything",
        group="Split",
    )
    min_per_class: int = declare(
        1,
        label="At least per class",
        help="A class with fewer pictures is left out and named.",
        unit="pictures",
        minimum=1,
        maximum=10_000_000,
        level="everything",
        group="Which pictures",
    )
    max_per_class: int | None = declare(
        None,
        label="At most per class",
        help="Take only so many pictures of a class, chosen by the seed. Empty: all.",
        unit="pictures",
        minimum=1,
        maximum=10_000_000,
        level="everything",
        group="Which pictures",
    )
    smallest_side: int = declare(
        2,
        label="Smallest side",
        help="A picture with a shorter side is left out and named.",
        unit="px",
        minimum=1,
        maximum=100_000,
        level="everything",
        group="Which pictures",
    )
    largest_side: int = declare(
        20_000,
        label="Largest side",
        help="A picture with a longer side is left out and named.",
        unit="px",
        minimum=1,
        maximum=100_000,
        level="everything",
        group="Which pictures",
    )
    storage: Literal["packed", "in place"] = declare(
        "packed",
        label="Storage",
        help="Whether training waits until every picture is packed, or begins on the files where they lie.",
        level="everything",
        group="Pictures",
        choices=(
            Choice("packed", "Packed first", "Every picture is opened, checked and stored, then training can start."),
            Choice(
                "in place",
                "In place, packed behind",
                "Training can start in seconds and reads the files themselves until they are checked and packed.",
            ),
        ),
    )
    depth: Literal["8bit", "keep"] = declare(
        "8bit",
        label="Depth",
        help="How finely brightness is stored. Keeping 16 bits doubles the room, 32 bits take four times as much.",
        level="everything",
        group="Pictures",
        choices=(
            Choice("8bit", "8 bits", "256 steps; 16 bits are scaled down, 32 bits are left out and named."),
            Choice("keep", "As in the files", "16 bits or 32-bit numbers, if any picture looked at has them."),
        ),
    )
    profile: Profile = declare(
        "ignore",
        label="Colour profiles",
        help="What happens to a picture that says by a profile how its colours are meant.",
        level="everything",
        group="Pictures",
        choices=(
            Choice("ignore", "Ignore", "The stored numbers are taken as they are."),
            Choice("srgb", "Convert to sRGB", "Colours as a screen shows them; whoever uses the model does the same."),
        ),
    )
    scaling: Scaling = declare(
        "full",
        label="Decoding of JPEG",
        help="Large JPEG pictures are read sooner when they are made smaller before their pixels are computed.",
        level="everything",
        group="Pictures",
        choices=(
            Choice("full", "Exact", "Every pixel is decoded, then the picture is made smaller."),
            Choice(
                "dct",
                "Fast",
                "Made smaller by 2, 4 or 8 while it is decoded; pixels differ from the exact ones (27 to 48 dB).",
            ),
        ),
    )
    background: str = declare(
        "#ffffff",
        label="Background",
        help="The colour behind transparent pixels and around a filled picture, as in #ffffff for white.",
        level="everything",
        group="Pictures",
    )

    def problems(self) -> list[Problem]:
        """What is wrong between the fields."""
        found = []
        if (self.width is None) != (self.height is None):
            missing = "width" if self.width is None else "height"
            found.append(Problem(missing, "Give width and height, or neither.", "size.half"))
        shares = self.validation_share + self.test_share
        if shares > 90:
            text = f"Validation and test together take {shares:g} % of the pictures: at most 90 %, training needs some."
            found.append(Problem("test_share", text, "split.nothing-left"))
        if self.max_per_class is not None and self.min_per_class > self.max_per_class:
            text = f"At least {self.min_per_class} pictures a class are over the most, {self.max_per_class}."
            found.append(Problem("min_per_class", text, "class.range"))
        found += self._label_problems()
        if self.smallest_side > self.largest_side:
            text = f"The smallest side, {self.smallest_side} px, is over the largest, {self.largest_side} px."
            found.append(Problem("smallest_side", text, "size.range"))
        if self.profile == "srgb" and (self.depth == "keep" or self.colour == "all"):
            text = "Colour profiles are converted in 8-bit grey or colour only: ignore them, or choose 8 bits."
            found.append(Problem("profile", text, "profile.depth"))
        if not _HEX.fullmatch(self.background):
            text = f"{self.background!r} is no colour: write # and six hexadecimal digits, as in #ffffff."
            found.append(Problem("background", text, "colour"))
        return found

    @property
    def ordered_classes(self) -> tuple[str, ...]:
        """The classes that `class_order` names."""
        names = (class_name_of(part) for part in self.class_order.split(","))
        return tuple(dict.fromkeys(name for name in names if name is not None))

    def _label_problems(self) -> list[Problem]:
        found = []
        for name in ("min_per_class", "max_per_class"):
            if self.label_kind not in ONE_CLASS and getattr(self, name) not in {None, 1}:
                text = "A limit per class is for pictures of one class each: leave it empty."
                found.append(Problem(name, text, "label-kind"))
        if self.class_order.strip() and self.label_kind != "order":
            text = "An order is for classes in an order: choose that kind of label, or leave it empty."
            found.append(Problem("class_order", text, "label-kind"))
        elif self.class_order.strip() and len(self.ordered_classes) < 2:
            text = f"{self.class_order[:60]!r} names fewer than two classes: part their names by commas."
            found.append(Problem("class_order", text, "class.order"))
        return found

    @property
    def background_rgb(self) -> tuple[int, int, int]:
        """The background as red, green, blue, 0 to 255."""
        red, green, blue = bytes.fromhex(self.background[1:])
        return red, green, blue
