"""PyTorch's optimisers without `torch._dynamo`, which takes as long to load as torch itself and compiles nothing here.

PyTorch wraps the methods that change parameters so that its compiler leaves them alone, and each wrapper loads the
compiler. What is wrapped is called as it is: the same kernels on the same numbers.
"""

from __future__ import annotations

from inspect import unwrap
from typing import Any

import torch


class Sgd(torch.optim.SGD):
    """Stochastic gradient descent with momentum."""

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        unwrap(torch.optim.SGD.add_param_group)(self, param_group)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        return unwrap(torch.optim.SGD.step)(self, closure)


class Adam(torch.optim.Adam):
    """Adam as Kingma and Ba have it."""

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        unwrap(torch.optim.Adam.add_param_group)(self, param_group)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        return unwrap(torch.optim.Adam.step)(self, closure)
