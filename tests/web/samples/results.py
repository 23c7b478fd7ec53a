"""Sample pages of models and networks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from web.samples.data import pictures
from web.samples.things import DIGITS, LENET, MNIST, RUN_ROWS, minutes_ago, named

from tenfold.core.errors import BadNetwork, InvalidFields, Problem
from tenfold.core.jobs.confinement import Confinement
from tenfold.core.networks.analysis import analyse
from tenfold.core.networks.inspection import Inspection, Knob, SourceProblem, TracedLayer
from tenfold.interfaces.web.presenters import imported
from tenfold.interfaces.web.presenters.network_editor import Looking, editor_view
from tenfold.interfaces.web.presenters.networks import parameter_row
from tenfold.interfaces.web.presenters.new_model import new_model_page
from tenfold.interfaces.web.presenters.python_network import inspection_view
from tenfold.interfaces.web.views import datasets, models, networks, new_network, python_network
from tenfold.interfaces.web.views.frame import Link
from tenfold.interfaces.web.views.new_model import NewModelPage
from tenfold.services.inspections import Found
from tenfold.services.model_imports import Arrival


def report() -> models.Report:
    errors = {(4, 9): 8, (9, 4): 6, (2, 7): 4, (3, 5): 3, (6, 0): 2, (7, 2): 5, (8, 3): 2, (5, 3): 4, (0, 6): 2}
    rights = (977, 1133, 1025, 1005, 971, 884, 952, 1019, 966, 1000)

    def cell(true: int, said: int) -> models.MatrixCell:
        number = rights[true] if true == said else errors.get((true, said), 0)
        what = f"{number} pictures of {true} " + ("known" if true == said else f"taken for {said}")
        return models.MatrixCell(
            number=number, heat=0 if true == said else min(8, number), is_right=true == said, says=what
        )

    return models.Report(
        split="test",
        num_judged=10_000,
        num_wrong=83,
        accuracy=0.9917,
        low=0.9897,
        high=0.9933,
        loss=0.0264,
        worst="8 of them 4 taken for 9",
        labels=DIGITS,
        matrix=tuple(
            models.MatrixRow(
                label=label, cells=tuple(cell(true, said) for said in range(10)), share_right=0.99 + true / 1500
            )
            for true, label in enumerate(DIGITS)
        ),
        largest_error=8,
        classes=tuple(
            models.ClassFigures(
                label=label, num_samples=1000, precision=0.992, recall=None if label == "9" else 0.991, f1=0.9915
            )
            for label in DIGITS
        ),
    )


def model_page() -> models.ModelPage:
    return models.ModelPage(
        can_copy=True,
        tab="report",
        named=named("models", "lenet-mnist-2"),
        dataset=MNIST,
        revision=1,
        network=LENET,
        run=Link(text="lenet-mnist-2", url="/runs/lenet-mnist-2"),
        made_at=minutes_ago(19),
        epoch=26,
        report=report(),
        test=models.TestPart(
            post_url="/models/lenet-mnist-2/classify",
            pictures=pictures(24),
            more_url="/models/lenet-mnist-2?tab=test&page=2",
            has_digits=True,
            max_upload_bytes=50_000_000,
        ),
        download_url="/api/v1/models/lenet-mnist-2/download",
        download_bytes=3_510_000,
        num_parameters=431_080,
        num_bytes=1_724_320,
        contents=(
            datasets.Fact(term="Weights", value="model.safetensors, model.onnx"),
            datasets.Fact(term="Network", value="network.network"),
            datasets.Fact(term="Preparation", value="preprocessing.json"),
            datasets.Fact(term="Also", value="labels, metrics, versions, licence, model card"),
        ),
        facts=(datasets.Fact(term="Trained with", value="PyTorch 2.13, seed 1"),),
    )


def test_model_page() -> models.ModelPage:
    page = model_page()
    guesses = tuple(
        models.Guess(label=label, probability=share)
        for label, share in (("7", 0.986), ("2", 0.009), ("9", 0.004), ("1", 0.0007), ("3", 0.0003))
    )
    result = models.TestResult(
        file="7/00017.png", guesses=guesses, seconds=0.00041, picture_url="/sample/picture/1.png", truth="7"
    )
    return replace(page, tab="test", test=replace(page.test, result=result))


def bare_test_model_page() -> models.ModelPage:
    return replace(model_page(), tab="test")


def foreign_model_page() -> models.ModelPage:
    """A model that was trained elsewhere."""
    facts = (datasets.Fact(term="File", value="pets.onnx"), datasets.Fact(term="Layout", value="channels last"))
    foreign = models.ForeignView(file="pets.onnx", width=224, height=224, is_grey=False, num_classes=37, facts=facts)
    page = test_model_page()
    test = replace(page.test, pictures=(), has_digits=False)
    return replace(page, tab="test", foreign=foreign, run=None, report=None, test=test, can_copy=False)


def refused_model_page() -> NewModelPage:
    """The form after a file that leaves its size open, with a wrong mean and a name that is taken."""
    problems = [
        Problem("width", "The file leaves the width of its input open: say it."),
        Problem("mean", "'a' is not one number or three, as in 0.485, 0.456, 0.406."),
        Problem("labels", "There are 2 labels, and the model gives 37 numbers: one label a number, in its order."),
        Problem("name", "The name 'pets' is taken by another model; 'pets-2' is free."),
    ]
    arrival = Arrival(id="upl_0000000000000000", owner="", name="pets.onnx", sha256="", size_bytes=17_000_000)
    typed = {"mean": "a", "name": "pets"}
    error = InvalidFields(problems)
    return new_model_page(typed, confined="Not confined (level A).", labels="cat\ndog", arrival=arrival, error=error)


def models_page() -> models.ModelsPage:
    rows = tuple(
        models.ModelRow(
            named=named("models", name, note=note),
            dataset=MNIST,
            network=LENET,
            accuracy=accuracy,
            num_judged=10_000,
            num_bytes=1_724_320,
        )
        for name, accuracy, note in (
            ("lenet-mnist-2", 0.9917, ""),
            ("lenet-mnist-first-with-tanh", 0.9896, "tanh instead of relu"),
        )
    )
    foreign = replace(
        rows[0], named=named("models", "pets"), dataset=Link(text="elsewhere", url=""), accuracy=None, is_foreign=True
    )
    return models.ModelsPage(rows=(*rows, foreign), can_bring=True)


CATALOGUE = Path(__file__).parents[3] / "src/tenfold/core/networks/catalogue"
LENET_TEXT = (CATALOGUE / "lenet.network").read_text()


def network_page(text: str = LENET_TEXT) -> networks.NetworkPage:
    editor = editor_view(text, analyse(text), Looking("/networks/lenet"))
    return networks.NetworkPage(
        name="lenet",
        title="LeNet",
        about="Small and quick; suits digits. LeCun and others, 1998, as Caffe had it.",
        text=text,
        editor=editor,
        parameters=(
            networks.ParameterRow(
                name="activation",
                default="relu",
                allowed="relu, tanh",
                help="The function after each layer with weights",
            ),
            networks.ParameterRow(name="pool", default="2", allowed="2 to 4", help="Side of the pooling window"),
        ),
        is_catalogue=True,
        used_by="9 runs",
        runs=RUN_ROWS[:1],
        train_url="/runs/new?network=lenet",
    )


def broken_network_page() -> networks.NetworkPage:
    return network_page(LENET_TEXT.replace("2 in 2..4", "9 in 2..40"))


def blocks_page() -> networks.NetworkPage:
    return network_page((CATALOGUE / "resnet50.network").read_text())


def networks_page() -> networks.NetworksPage:
    lenet = networks.NetworkRow(
        name="lenet",
        url="/networks/lenet",
        title="LeNet",
        about="Small and quick; suits digits.",
        input_text="1 × 28 × 28",
        num_layers=8,
        num_parameters=431_080,
        num_multiply_adds=2_293_000,
        used_by="9 runs",
        is_catalogue=True,
        train_url="/runs/new?network=lenet",
    )
    alexnet = replace(
        lenet,
        name="alexnet",
        url="/networks/alexnet",
        title="AlexNet",
        about="Won ImageNet in 2012 and began what followed.",
        input_text="3 × 224 × 224",
        num_layers=22,
        num_parameters=61_100_840,
        num_multiply_adds=714_000_000,
        used_by="",
    )
    return networks.NetworksPage(rows=(lenet, alexnet))


def new_network_page() -> new_network.NewNetworkPage:
    return imported.new_network_page({}, confined=CONFINEMENT.says())


SOURCE = """# language python 1
from torch import nn


class Network(nn.Module):
    def __init__(self, classes: int, width: int = 32):
        super().__init__()
        self.conv = nn.Conv2d(1, width, 5)
        self.head = nn.LazyLinear(classes)

    def forward(self, images):
        return self.head(self.conv(images).relu().flatten(1))
"""
CONFINEMENT = Confinement(level="B", parts=("Landlock (version 7)", "a filter over system calls"))


def python_network_page() -> python_network.PythonNetworkPage:
    layers = (
        TracedLayer(path="conv", kind="Conv2d", line=8, inputs=("input",), shape=(32, 24, 24), parameters=832),
        TracedLayer(path="relu", kind="relu", line=12, inputs=("conv",), shape=(32, 24, 24), parameters=0),
        TracedLayer(path="flatten", kind="flatten", line=12, inputs=("relu",), shape=(18_432,), parameters=0),
        TracedLayer(path="head", kind="Linear", line=9, inputs=("flatten",), shape=(10,), parameters=184_330),
    )
    seen = Inspection(
        name="Network",
        layers=layers,
        num_layers=4,
        num_parameters=185_162,
        input_shape=(1, 28, 28),
        classes=10,
        knobs=(Knob(name="width", type="integer", default=32),),
        onnx="no",
        why_not_onnx=SourceProblem(12, "Which way it computes depends on the values in a picture."),
        warnings=(SourceProblem(12, "`self.steps` changes while it runs and is not part of its state."),),
        confinement=CONFINEMENT,
    )
    found = Found(state="finished", inspection=seen, confinement=CONFINEMENT)
    return python_network.PythonNetworkPage(
        name="gated",
        title="gated",
        text=SOURCE,
        url="/networks/gated",
        asked_name="gated",
        version="version 2",
        current="ver_1",
        tab="code",
        inspection=inspection_view(found, SOURCE, "/networks/gated", ""),
        parameters=tuple(parameter_row(field) for field in seen.fields()),
        datasets=("mnist", "flowers"),
        dataset="mnist",
        level=CONFINEMENT.says(),
        train_url="/runs/new?network=gated",
        can_save=True,
        can_copy=True,
        runs=RUN_ROWS[:1],
        named=named("networks", "gated"),
    )


def refused_python_page() -> python_network.PythonNetworkPage:
    problem = SourceProblem(12, "RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x150528 and 100x4)")
    found = Found(state="failed", message=str(problem), problem=problem, confinement=CONFINEMENT)
    return replace(
        python_network_page(),
        inspection=inspection_view(found, SOURCE, "/networks/gated", ""),
        train_url="",
        parameters=(),
        refused="gated was saved by somebody meanwhile: version 3 is current. Load it, then make the change again.",
    )


def refused_network_page() -> new_network.NewNetworkPage:
    error = BadNetwork("Line 12: This bracket is never closed: `}` is missing.", line=12)
    sent = {"classes": "0", "name": "alexnet"}
    page = imported.new_network_page(sent, error=error)
    wrong = imported.new_network_page(sent, error=InvalidFields([Problem("classes", "Classes is 0; allowed is more.")]))
    return replace(page, fields=wrong.fields, problems={**page.problems, "name": "The name 'alexnet' is taken."})


def imported_network_page() -> networks.NetworkPage:
    told = new_network.ImportedView(
        file="train_val.prototxt",
        left_out=(new_network.LeftOut(line=212, name="crop", kind="Crop", why="there is no layer for it."),),
        num_left_out=3,
        notes=("Line 4: `data` is cut to 227 x 227.",),
        unsaid=("Line 3: `lr_policy` is step, for which a training has no field.",),
        weights="16 tensors of bvlc.caffemodel fit and are kept. A run begins with them where its form says so.",
        train_url="/runs/new?network=mine&rate=0.01",
    )
    about = named("networks", "mine", used_by="2 runs")
    return replace(network_page(), name="mine", is_catalogue=False, named=about, imported=told)
