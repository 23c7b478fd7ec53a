"""Inspecting networks of Python, in real processes: what is found, and what becomes of code that behaves badly."""

from __future__ import annotations

import math
from dataclasses import replace

import psutil
import pytest
from kernel import level_here

from tenfold.core.datasets.dataset import Dataset
from tenfold.core.errors import Conflict, Forbidden
from tenfold.core.events import Event, Inspected
from tenfold.core.ids import JobId
from tenfold.core.networks.custom import HEADER, as_python
from tenfold.services.inspections import Found, Wish

from .workstation import Workstation

pytestmark = pytest.mark.usefixtures("exporting_template")

GOOD = """\
import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x)) + x)


class Network(nn.Module):
    def __init__(self, classes: int, channels: int = 1, width: int = 8, depth: int = 2, dropout: float = 0.1):
        super().__init__()
        self.stem = nn.Conv2d(channels, width, 3, padding=1)
        self.blocks = nn.Sequential(*[Block(width) for _ in range(depth)])
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(width, classes)

    def forward(self, images):
        x = self.blocks(self.stem(images))
        return self.head(self.drop(x.mean((2, 3))))
"""
DATA_DEPENDENT = """\
from torch import nn


class Gate(nn.Module):
    def __init__(self, classes: int = 4, input_shape=(1, 12, 12)):
        super().__init__()
        self.body = nn.Flatten()
        self.small = nn.Linear(144, classes)

    def forward(self, images):
        x = self.body(images)
        while x.abs().mean() > 1:
            x = x / 2
        return self.small(x)
"""
NETWORK = "from torch import nn\nclass Network(nn.Module):\n    def __init__(self, classes: int = 3):\n"
BODY = "        super().__init__()\n        self.fc = nn.LazyLinear(classes)\n"
FORWARD = "    def forward(self, x):\n"
GIVEN = f"{FORWARD}        return self.fc(x.flatten(1))\n"


def kept(workstation: Workstation, source: str) -> str:
    """The name of a network with this source."""
    return workstation.services.networks.create(workstation.owner, None, as_python(source)).name


def inspected(workstation: Workstation, name: str, wish: Wish | None = None) -> Found:
    ask = workstation.services.inspections.ask
    return workstation.wait(lambda: ask(workstation.owner, name, wish or Wish()), lambda found: not found.is_open)


def use_up_the_seconds() -> None:
    """Waits for a process whose seconds of the processor are limited, and leaves it one of the twenty that it has."""
    (process, used_s, limit_s) = Workstation.wait(first_limited, bool)
    assert 20 <= limit_s <= 20 + used_s + 1  # what it had used when it was confined is rounded up
    process.rlimit(psutil.RLIMIT_CPU, (used_s + 1, limit_s))


def first_limited() -> tuple[psutil.Process, int, int] | None:
    for process in psutil.Process().children(recursive=True):
        try:
            limit_s, _ = process.rlimit(psutil.RLIMIT_CPU)
            used = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        if limit_s != psutil.RLIM_INFINITY:
            return process, math.ceil(used.user + used.system), limit_s
    return None


def test_layers_are_told_with_lines_shapes_and_parameters(workstation: Workstation) -> None:
    name = kept(workstation, GOOD)
    assert workstation.services.networks.named.get(workstation.owner, name).state == "draft"

    found = inspected(workstation, name, Wish(input_shape=(1, 16, 16)))

    assert (found.state, found.message) == ("finished", "")
    assert found.inspection is not None
    layers = {layer.path: layer for layer in found.inspection.layers}
    stem, head = layers["stem"], layers["head"]
    assert (stem.kind, stem.line, stem.inputs, stem.shape, stem.parameters) == (
        "Conv2d",
        19,
        ("input",),
        (8, 16, 16),
        80,
    )
    assert (head.kind, head.line, head.shape, head.parameters) == ("Linear", 22, (10,), 90)
    assert layers["blocks.1.norm"].line == 10
    assert layers["add"].inputs == ("blocks.0.norm", "stem")
    assert found.inspection.why_not_traced == ""
    assert (found.inspection.onnx, found.inspection.why_not_onnx, found.inspection.warnings) == ("yes", None, ())
    assert found.inspection.num_parameters == sum(layer.parameters for layer in found.inspection.layers) == 1370
    assert [(knob.name, knob.type, knob.default) for knob in found.inspection.knobs] == [
        ("width", "integer", 8),
        ("depth", "integer", 2),
        ("dropout", "number", 0.1),
    ]
    assert found.confinement is not None
    assert found.confinement.level == level_here(), found.confinement.says()


GATE = GOOD.replace("        x = self.blocks", "        images = FIRST\n        x = self.blocks")


@pytest.mark.parametrize(
    ("first", "line", "says"),
    [
        ("images / 2 if images.mean() > 100 else images", 25, "depends on the values in a picture"),
        ("images / 2 if len(images) > 2 else images", 24, "depends on how many pictures"),
        ("torch.special.bessel_j0(images)", 24, "ONNX has no operator for `bessel_j0`"),
    ],
)
def test_why_it_cannot_be_exported_is_told_before_it_is_trained(
    workstation: Workstation, first: str, line: int, says: str
) -> None:
    found = inspected(workstation, kept(workstation, GATE.replace("FIRST", first)), Wish(input_shape=(1, 16, 16)))

    assert found.inspection is not None, found.message
    seen = found.inspection
    assert seen.onnx == "no", seen.why_not_onnx
    assert seen.why_not_onnx is not None
    assert says in seen.why_not_onnx.message
    assert seen.why_not_onnx.line == line
    assert f"Line {line}: " in seen.told()[0]


def test_one_whose_export_takes_too_much_is_inspected_all_the_same(workstation: Workstation) -> None:
    source = GOOD.replace("        x = self", "        while torch.compiler.is_exporting(): pass\n        x = self")

    name, wish = kept(workstation, source), Wish(input_shape=(1, 16, 16))
    ask, errands = workstation.services.inspections.ask, workstation.services.errands

    def told() -> list[Event]:
        ask(workstation.owner, name, wish)
        return [event for errand in errands._errands.values() if errand.state == "running" for event in errand.events]

    workstation.wait(told, lambda events: any(isinstance(event, Inspected) for event in events))
    use_up_the_seconds()

    found = inspected(workstation, name, wish)

    assert (found.state, found.inspection is not None) == ("finished", True), found.message
    assert found.inspection is not None
    assert (found.inspection.onnx, found.inspection.told()) == ("unknown", ())
    assert "was killed" in str(found.inspection.why_not_onnx)


STATEFUL = GOOD.replace("        self.head = ", "        ATTRIBUTES\n        self.head = ").replace(
    "        x = self.blocks", "        STEP\n        x = self.blocks"
)


@pytest.mark.parametrize(
    ("attributes", "step", "line", "says"),
    [
        ("self.steps = 0", "self.steps += 1", 26, "`self.steps` changes while it runs and is not part of its state"),
        ("self.seen = [0]", "self.seen[0] += 1", 26, "`self.seen` changes"),
        ("self.mean = torch.zeros(1)", "self.mean = 0.9 * self.mean + images.mean()", 26, "`self.mean` changes"),
        (
            "self.register_buffer('mean', torch.zeros(1), persistent=False)",
            "self.mean.add_(images.mean())",
            26,
            "`self.mean` changes",
        ),
        ("import random", "import random; images = images * random.random()", 0, "the generator of Python's `random`"),
    ],
)
def test_what_a_resumed_run_would_not_know_is_told(
    workstation: Workstation, attributes: str, step: str, line: int, says: str
) -> None:
    source = STATEFUL.replace("ATTRIBUTES", attributes).replace("STEP", step)

    found = inspected(workstation, kept(workstation, source), Wish(input_shape=(1, 16, 16)))

    assert found.inspection is not None, found.message
    (warning,) = found.inspection.warnings
    assert says in warning.message
    assert warning.line == line


def test_what_is_made_once_or_anew_or_kept_is_no_loss(workstation: Workstation) -> None:
    source = STATEFUL.replace(
        "ATTRIBUTES", "self.grid = None; self.steps = 0; self.register_buffer('n', torch.zeros(1))"
    )
    source = source.replace(
        "STEP",
        "self.grid = torch.ones(1) if self.grid is None else self.grid; self.last = images; self.n += 1; "
        "self.steps += 1",
    )
    own = "\n    def get_extra_state(self): return torch.tensor(self.steps)\n    def set_extra_state(self, s): ...\n"

    found = inspected(workstation, kept(workstation, f"{source}{own}"), Wish(input_shape=(1, 16, 16)))

    assert found.inspection is not None, found.message
    assert found.inspection.warnings == ()


def test_a_version_that_was_inspected_is_no_draft_and_what_was_found_is_kept(workstation: Workstation) -> None:
    name = kept(workstation, GOOD)
    found = inspected(workstation, name)

    network = workstation.services.networks.named.get(workstation.owner, name)
    entry = workstation.services.networks.find(workstation.owner, name)
    assert (network.state, network.num_parameters) == ("ready", found.inspection and found.inspection.num_parameters)
    assert workstation.services.inspections.kept(entry) == found.inspection

    version = workstation.services.networks.save(workstation.owner, name, f"{GOOD}\n# more\n", on=network.current)
    assert workstation.services.networks.at(workstation.owner, network, version.number).text.startswith(HEADER)
    assert workstation.services.networks.named.get(workstation.owner, name).state == "draft"


def test_a_dataset_decides_its_input_and_its_classes(workstation: Workstation, shapes: Dataset) -> None:
    found = inspected(workstation, kept(workstation, GOOD), Wish(dataset=shapes.name, parameters={"width": "4"}))

    assert found.inspection is not None, found.message
    assert (found.inspection.classes, found.inspection.input_shape) == (3, (1, 28, 28))
    assert found.inspection.layers[0].shape[0] == 4


def test_what_cannot_be_traced_is_watched_while_it_runs(workstation: Workstation) -> None:
    found = inspected(workstation, kept(workstation, DATA_DEPENDENT))

    assert found.inspection is not None, found.message
    assert [(layer.path, layer.inputs) for layer in found.inspection.layers] == [
        ("body", ("input",)),
        ("small", ("body",)),
    ]
    assert "symbolically traced" in found.inspection.why_not_traced
    assert found.inspection.input_shape == (1, 12, 12)


@pytest.mark.parametrize(
    ("source", "line", "says"),
    [
        ("import torch\n\nclass Network(:\n    pass\n", 4, "SyntaxError"),
        ("import no_such_package\n", 2, "ModuleNotFoundError: No module named 'no_such_package'"),
        ("x = 1\n", 0, "It defines no network"),
        (f"{NETWORK}        raise ValueError('broken on purpose')\n", 5, "ValueError: broken on purpose"),
        (f"{NETWORK}{BODY}{FORWARD}        return self.fc(x)\n", 7, "`forward` gives 2 x 3 x 224 x 3 of float32"),
        (f"{NETWORK}{BODY}{FORWARD}        return x.flatten(1) @ self.fc.bias\n", 8, "Error: "),
        (f"{NETWORK}{BODY}{FORWARD}        import sys\n        sys.exit('enough')\n", 9, "SystemExit: enough"),
        (f"{NETWORK}{BODY}{FORWARD}        open('/etc/passwd')\n", 8, "PermissionError"),
        (f"{NETWORK}{BODY}{FORWARD}        return (self.fc(x.flatten(1)),)\n", 7, "`forward` gives a tuple"),
        (f"{NETWORK}{BODY}{FORWARD}        return self.fc(x.flatten(1)).detach()\n", 7, "Nothing in it can learn"),
        ("from torch import nn\nclass Network(nn.Module):\n    def __init__(self, width): pass\n", 4, "`width` of"),
        ("def network(scale: float = float('nan')): ...\n", 2, "The default of `scale` of `network` cannot be set"),
        ("def network(scale: int = 10**30): ...\n", 2, "cannot be set in a form: 1000"),
        ("def network(scale: str = '\\ud800'): ...\n", 2, "cannot be set in a form: '\\ud800'"),
        (
            f"{NETWORK}{BODY}        self.small = nn.Parameter(nn.Linear(1, 1).bfloat16().weight)\n{GIVEN}",
            0,
            "`small` is bfloat16",
        ),
        (
            f"{NETWORK}{BODY}{GIVEN}    def get_extra_state(self): return 'more'\n",
            0,
            "`_extra_state` of its state is a str",
        ),
        (f"{NETWORK}{BODY}        held = []\n        while True: held.append(bytearray(1 << 28))\n", 8, "more memory"),
    ],
)
def test_a_mistake_names_its_line(workstation: Workstation, source: str, line: int, says: str) -> None:
    found = inspected(workstation, kept(workstation, source))

    assert found.state == "failed"
    assert found.problem is not None, found.message
    assert says in found.problem.message
    assert found.problem.line == line
    assert found.message == str(found.problem)


@pytest.mark.parametrize(
    ("does", "says"),
    [
        ("import os; os._exit(0)", "It left the process with status 0, in the middle of the work."),
        ("import ctypes; ctypes.string_at(0)", "It crashed (SIGSEGV)."),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "It was killed"),
    ],
)
def test_what_never_comes_to_an_end_is_killed_and_told(workstation: Workstation, does: str, says: str) -> None:
    found = inspected(workstation, kept(workstation, f"{NETWORK}{BODY}        {does}\n"))

    assert (found.state, found.problem) == ("failed", None)
    assert says in found.message


def test_what_computes_for_ever_is_killed_and_told(workstation: Workstation) -> None:
    name = kept(workstation, f"{NETWORK}{BODY}        while True: pass\n")
    workstation.services.inspections.ask(workstation.owner, name, Wish())
    use_up_the_seconds()

    found = inspected(workstation, name)

    assert (found.state, found.problem) == ("failed", None)
    assert found.message.endswith("It computed for longer than 20 s and was killed."), found.message


def test_the_lock_by_which_the_server_knows_who_lives_is_not_let_go(workstation: Workstation) -> None:
    does = "import fcntl; [fcntl.flock(number, fcntl.LOCK_UN) for number in range(3, 50) if held(number)]"
    own = "def held(number):\n    import os\n    try: return os.readlink(f'/proc/self/fd/{number}').endswith('lock')\n"
    source = f"{own}    except OSError: return False\n{NETWORK}{BODY}        {does}\n{GIVEN}"

    found = inspected(workstation, kept(workstation, source))

    assert found.problem is not None, found.message
    assert str(found.problem) == "Line 11: PermissionError: [Errno 1] Operation not permitted"


def test_a_flood_of_lines_harms_nothing(workstation: Workstation) -> None:
    flood = "for _ in range(300_000):\n    print('x' * 100)\n"
    name = kept(workstation, f"{flood}{GOOD}")

    found = inspected(workstation, name)

    assert found.state == "finished", found.message
    folder = workstation.data / "jobs"
    assert max(each.stat().st_size for each in folder.glob("ern_*/worker.log")) < 200_000


def test_only_whom_it_is_allowed_has_python_executed(workstation: Workstation) -> None:
    name = kept(workstation, GOOD)
    services, owner = workstation.services, workstation.owner
    eve = replace(owner, name="eve", role="editor", run_code=False)

    with pytest.raises(Forbidden, match="may not run own Python code"):
        services.inspections.ask(eve, name, Wish())
    with pytest.raises(Forbidden, match="may not run own Python code"):
        services.networks.create(eve, None, as_python(GOOD))
    assert services.inspections.known(eve, name, Wish()).state in {"none", "finished"}
    assert services.networks.find(eve, name).text.endswith(GOOD)


def test_it_is_ended_when_who_asked_may_run_code_no_more(workstation: Workstation) -> None:
    services, owner = workstation.services, workstation.owner
    services.accounts.set_password(owner, owner.user, "one long password")
    user = services.accounts.add_user(owner, "cora", role="editor", password="another long one", run_code=True)
    cora = services.accounts.actor_of_user(user.id)
    name = kept(workstation, f"import time\ntime.sleep(50)\n{GOOD}")
    ask, jobs = services.inspections.ask, workstation.data / "jobs"
    before = {*jobs.glob("ern_*")}
    workstation.wait(lambda: ask(cora, name, Wish()), lambda found: found.state == "running")
    (folder,) = {*jobs.glob("ern_*")} - before

    services.accounts.set_disabled(owner, "cora", True)

    workstation.wait(lambda: services.errands.look(JobId(folder.name)), lambda standing: not standing.is_open)
    found = services.inspections.known(owner, name, Wish())
    assert (found.state, "the account of cora is disabled" in found.message) == ("failed", True)
    workstation.wait(lambda: services.errands._executor.is_alive(JobId(folder.name)), lambda is_alive: not is_alive)


def test_other_networks_are_not_inspected(workstation: Workstation) -> None:
    with pytest.raises(Conflict, match="network language"):
        workstation.services.inspections.ask(workstation.owner, "lenet", Wish())
