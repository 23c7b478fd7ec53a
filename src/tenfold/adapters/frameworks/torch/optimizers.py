"""PyTorch's optimisers without `torch._dynamo`, which takes as long to load as torch itself and compiles nothing here.

PyTorch wraps the methods that change parameters so that its compiler leaves them alone, and each wrapper loads the
compiler. What is wrapped is called as it is: the same kernels on the same numbers.
"""

from __future__ import annotations

from inspect import unwrap
from typing import Any

import torch

_add_param_group = unwrap(torch.optim.Optimizer.add_param_group)
_sgd_step = unwrap(torch.optim.SGD.step)
_adam_step = unwrap(torch.optim.Adam.step)


class Sgd(torch.optim.SGD):
    """Stochastic gradient descent with momentum."""

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        _add_param_group(self, param_group)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        return _sgd_step(self, closure)


class Adam(torch.optim.Adam):
    """Adam as Kingma and Ba have it."""

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        _add_param_group(self, param_group)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        return _adam_step(self, closure)
