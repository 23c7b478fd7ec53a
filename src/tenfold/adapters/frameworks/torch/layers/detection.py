"""Layers of detectors. Prior boxes are (N, boxes, 8), found ones (N, rows, 6); edges are parts of the picture."""

from __future__ import annotations

import math
from typing import Any

import torch

from tenfold.adapters.frameworks.torch.layers.layer import Layer


class PriorBox(Layer):
    """The same boxes for every picture, a function of sizes alone."""

    def forward(self, x: torch.Tensor, picture: torch.Tensor) -> torch.Tensor:
        about, (rows, columns) = self.arguments, x.shape[2:]
        like: dict[str, Any] = {"dtype": torch.float32, "device": x.device}
        down, across = about["step"]
        y = (torch.arange(rows, **like) + about["offset"]) * down
        x_centre = (torch.arange(columns, **like) + about["offset"]) * across
        centres = torch.stack([x_centre.expand(rows, -1), y[:, None].expand(-1, columns)], dim=2)[:, :, None]
        halves = torch.tensor(self._sizes(), **like) / 2
        whole = torch.tensor([picture.shape[3], picture.shape[2]], **like)
        boxes = torch.cat([(centres - halves) / whole, (centres + halves) / whole], dim=3).reshape(-1, 4)
        boxes = boxes.clamp(0, 1) if about["clip"] else boxes
        variances = torch.tensor(about["variance"], **like).expand(len(boxes), -1)
        return torch.cat([boxes, variances], dim=1).expand(x.shape[0], -1, -1)

    def _sizes(self) -> list[tuple[float, float]]:
        """Width and height of the boxes at one place, in pixels."""
        about, found = self.arguments, list[tuple[float, float]]()
        for index, small in enumerate(about["min_size"]):
            found.append((small, small))
            if about["max_size"]:
                side = math.sqrt(small * about["max_size"][index])
                found.append((side, side))
            found += [(small * math.sqrt(ratio), small / math.sqrt(ratio)) for ratio in about["ratios"]]
        return found


class DetectionOutput(Layer):
    """Moves the prior boxes, and of those of a class that overlap keeps the best."""

    def forward(self, places: torch.Tensor, scores: torch.Tensor, priors: torch.Tensor) -> torch.Tensor:
        about, count = self.arguments, priors.shape[1]
        with torch.no_grad():
            moved = self._moved(places.reshape(len(places), count, -1, 4), priors[:, :, None])
            boxes = moved.clamp(0, 1) if about["clip"] else moved
            table = scores.reshape(len(scores), count, about["classes"])
            return torch.stack([self._found(*each) for each in zip(boxes, table, strict=True)])

    def _moved(self, offsets: torch.Tensor, priors: torch.Tensor) -> torch.Tensor:
        """Left, top, right, bottom by the offsets from each prior box."""
        low, high, code = priors[..., :2], priors[..., 2:4], self.arguments["code"]
        offsets = offsets * priors[..., 4:] if self.arguments["scaled"] else offsets
        sizes = high - low
        if code == "corner":
            return priors[..., :4] + offsets
        if code == "corner_size":
            return priors[..., :4] + offsets * torch.cat([sizes, sizes], dim=-1)
        centres = (low + high) / 2 + offsets[..., :2] * sizes
        halves = offsets[..., 2:].exp() * sizes / 2
        return torch.cat([centres - halves, centres + halves], dim=-1)

    def _found(self, boxes: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """The rows of one picture, from (boxes, 1 or classes, 4) and (boxes, classes)."""
        about, rows = self.arguments, [scores.new_zeros(0, 6)]
        for number in range(about["classes"]):
            if number != about["background"]:
                own = boxes[:, number if about["per_class"] else 0]
                rows.append(self._of_class(number, own, scores[:, number]))
        found = torch.cat(rows)
        best = torch.argsort(found[:, 1], descending=True, stable=True)[: about["keep"]]
        empty = scores.new_zeros(about["keep"] - len(best), 6)
        empty[:, 0] = -1
        return torch.cat([found[best], empty])

    def _of_class(self, number: int, boxes: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        over = torch.nonzero(scores > self.arguments["threshold"])[:, 0]
        order = torch.argsort(scores[over], descending=True, stable=True)[: self.arguments["candidates"]]
        chosen = over[order]
        chosen = chosen[_apart(boxes[chosen], self.arguments["overlap"])]
        classes = scores.new_full((len(chosen), 1), number)
        return torch.cat([classes, scores[chosen, None], boxes[chosen]], dim=1)


def _apart(boxes: torch.Tensor, most: float) -> list[int]:
    """Numbers of the boxes, best first, that share at most this part with every better one that is kept."""
    left, kept = torch.ones(len(boxes), dtype=torch.bool, device=boxes.device), list[int]()
    for number, box in enumerate(boxes):
        if left[number]:
            kept.append(number)
            left &= _overlaps(box, boxes) <= most
    return kept


def _overlaps(box: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """What one box shares with each other, as a part of both together; 0 where that is nothing."""
    low, high = torch.maximum(box[:2], others[:, :2]), torch.minimum(box[2:], others[:, 2:])
    shared = (high - low).clamp(min=0).prod(dim=1)
    together = (box[2:] - box[:2]).clamp(min=0).prod() + (others[:, 2:] - others[:, :2]).clamp(min=0).prod(dim=1)
    return torch.where(shared > 0, shared / (together - shared), torch.zeros_like(shared))


KINDS: dict[str, type[Layer]] = {"prior_box": PriorBox, "detection_output": DetectionOutput}
