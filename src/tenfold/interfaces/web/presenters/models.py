"""Models as pages show them."""

from __future__ import annotations

from typing import Any, Literal, cast

from tenfold.core.accounts.policy import Actor
from tenfold.core.datasets.ports import IndexedSample
from tenfold.core.errors import NotFound
from tenfold.core.events import Json
from tenfold.core.export.contents import PYTHON_FILE
from tenfold.core.inference.model import Model
from tenfold.core.inference.ports import Prediction
from tenfold.core.jobs.confinement import Confinement
from tenfold.core.networks.custom import is_python
from tenfold.core.training.run import Run
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.formatting import plural
from tenfold.interfaces.web.presenters.frame import address, dataset_link, moment, named_view, network_link, split_size
from tenfold.interfaces.web.presenters.gallery import picture
from tenfold.interfaces.web.presenters.runs import plain, revision_number
from tenfold.interfaces.web.views import models as views
from tenfold.interfaces.web.views.datasets import Fact, PictureView
from tenfold.interfaces.web.views.frame import AboutForm, Link

SHOWN_GUESSES = 5
TEST_PICTURES = 24
MAX_PICTURE_BYTES = 64_000_000
DIGITS = tuple(str(digit) for digit in range(10))
CONTENTS = (
    Fact(term="Weights", value="model.safetensors, model.onnx"),
    Fact(term="Network", value="network.network"),
    Fact(term="Preparation", value="preprocessing.json"),
    Fact(term="Script", value="predict.py"),
    Fact(term="Also", value="labels, metrics, versions, licence, model card"),
)

FOREIGN = (
    Fact(term="Model", value="model.onnx"),
    Fact(term="Preparation", value="preprocessing.json"),
    Fact(term="Script", value="predict.py"),
    Fact(term="Also", value="labels, origin, licence, model card"),
)


def model_row(services: Services, actor: Actor, model: Model) -> views.ModelRow:
    """One line of the list."""
    return views.ModelRow(
        named=named_view(services, actor, "models", model),
        dataset=_dataset(services, actor, model),
        network=_network(services, actor, model),
        accuracy=model.metrics.get("test_accuracy", model.metrics.get("val_accuracy")),
        num_judged=split_size(services, model.revision, "test" if "test_accuracy" in model.metrics else "val"),
        num_bytes=model.size_bytes,
        is_foreign=model.is_foreign,
    )


def model_page(
    services: Services,
    actor: Actor,
    model: Model,
    *,
    tab: Literal["report", "test"] = "report",
    page: int = 0,
    result: views.TestResult | None = None,
    about_form: AboutForm | None = None,
) -> views.ModelPage:
    """One model at one of its tabs; `page` chooses which test pictures are offered. A foreign one has but the test."""
    foreign = foreign_view(model)
    tab = "test" if foreign else tab
    written = _report(services, actor, model)
    url = address("models", model.name)
    judged = report(written)
    holds_python = _holds_python(services, actor, model)
    labels = judged.labels if judged else ()
    return views.ModelPage(
        tab=tab,
        named=named_view(services, actor, "models", model),
        dataset=_dataset(services, actor, model),
        revision=revision_number(services, model.revision),
        network=_network(services, actor, model),
        run=_run(services, actor, model),
        made_at=moment(model.created_at),
        epoch=max(1, round(float(cast("float", written.get("epochs") or 0)))),
        report=judged,
        test=views.TestPart(
            post_url=f"{url}/classify",
            pictures=pictures_to_test(services, actor, model, page) if tab == "test" else (),
            more_url=f"{url}?tab=test&page={page + 1}",
            has_digits=labels == DIGITS,
            max_upload_bytes=MAX_PICTURE_BYTES,
            result=result,
        ),
        download_url=f"/api/v1{url}/download",
        download_bytes=None,
        num_parameters=_parameters(services, actor, model, len(labels)),
        num_bytes=model.size_bytes,
        contents=FOREIGN if foreign else _contents(holds_python=holds_python),
        facts=_facts(model),
        can_copy=actor.may("network.create") and not foreign and (actor.run_code or not holds_python),
        has_inside=not foreign and not holds_python,
        about_form=about_form,
        foreign=foreign,
    )


def foreign_view(model: Model) -> views.ForeignView | None:
    """Of a model that was trained elsewhere what its file said; nothing for another."""
    if not model.is_foreign:
        return None
    told = cast("dict[str, Any]", model.facts["file"])
    level = Confinement.from_json(told["confinement"])
    return views.ForeignView(
        file=told["name"],
        width=told["width"],
        height=told["height"],
        is_grey=told["channels"] == 1,
        num_classes=told["classes"],
        facts=(
            Fact(term="File", value=told["name"]),
            Fact(term="sha256", value=f"{told['sha256'][:16]}…", is_code=True),
            Fact(term="Made by", value=told["producer"] or "not said"),
            Fact(term="Operators", value=f"set {told['opset']}, {plural(told['num_nodes'], 'node')}"),
            Fact(term="Layout", value="channels first" if told["layout"] == "nchw" else "channels last"),
            Fact(term="Values", value=_values(told["wanted"])),
            Fact(term="Output", value=f"{told['output']}: {told['says_output']}"),
            Fact(term="At a time", value="one picture" if told["batch"] else "any number of pictures"),
            Fact(term="First run", value=f"confined, level {level.level}" if level.level == "B" else "not confined"),
        ),
    )


def _values(wanted: dict[str, Any]) -> str:
    """How pixels become numbers, in words."""
    parts = [f"{wanted['range'].replace('-', ' to ')}"]
    parts += [f"{word} {wanted[name]}" for name, word in (("mean", "mean"), ("std", "deviation")) if wanted[name]]
    return "; ".join(parts)


def report(written: dict[str, Json]) -> views.Report | None:
    """The report as the training wrote it; `None` when nothing was judged."""
    found = cast("dict[str, Any]", written.get("report") or {})
    if not found:
        return None
    figures = found["classes"]
    labels = tuple(each["name"] for each in figures)
    confusion = found["confusion"]
    largest = max(
        (count for true, row in enumerate(confusion) for said, count in enumerate(row) if true != said), default=0
    )
    wrong = found["num_samples"] - sum(confusion[index][index] for index in range(len(labels)))
    return views.Report(
        split="test" if written.get("tested_on") == "test" else "validation",
        num_judged=found["num_samples"],
        num_wrong=wrong,
        accuracy=found["accuracy"],
        low=found["interval"][0],
        high=found["interval"][1],
        loss=found["loss"],
        worst=_worst(labels, confusion),
        labels=labels,
        matrix=tuple(_matrix_row(labels, confusion[index], index, largest) for index in range(len(labels))),
        largest_error=largest,
        classes=tuple(
            views.ClassFigures(
                label=each["name"],
                num_samples=each["support"],
                precision=each["precision"],
                recall=each["recall"],
                f1=each["f1"],
            )
            for each in figures
        ),
    )


def result_of(ranked: tuple[Prediction, ...], *, file: str, shown: PictureView | None = None) -> views.TestResult:
    """What a model says about a picture, likeliest first."""
    return views.TestResult(
        file=file,
        guesses=tuple(views.Guess(label=each.label, probability=each.probability) for each in ranked[:SHOWN_GUESSES]),
        picture_url=shown.thumbnail_url if shown else "",
        truth=shown.label if shown else "",
    )


def pictures_to_test(services: Services, actor: Actor, model: Model, page: int) -> tuple[PictureView, ...]:
    """Pictures of the test split, spread over it; none when the dataset is gone or has no test split."""
    link = _dataset(services, actor, model)
    if not link.url:
        return ()
    reader = services.datasets.revision_reader(model.revision)
    indices = reader.indices("test")
    size = len(indices)
    shown = min(TEST_PICTURES, size)
    views_of = []
    for number in range(shown):
        index = int(indices[(number * size // shown + page * 7) % size])
        url = f"{address('models', model.name)}?tab=test&page={page}&sample={index}"
        view = picture(link.text, model.revision, reader.manifest, IndexedSample(index, reader.sample(index)))
        views_of.append(PictureView(**{**vars(view), "url": url}))
    return tuple(views_of)


def sample_picture(services: Services, actor: Actor, model: Model, index: int) -> tuple[PictureView, bytes]:
    """A picture of the model's own dataset and its content; raises `NotFound`."""
    link = _dataset(services, actor, model)
    if not link.url:
        raise NotFound("The dataset of this model is gone.", code="dataset.not-found")
    reader = services.datasets.revision_reader(model.revision)
    sample = IndexedSample(index, reader.sample(index))
    return picture(link.text, model.revision, reader.manifest, sample), reader.thumbnail(index)


def _matrix_row(labels: tuple[str, ...], counts: list[int], true: int, largest: int) -> views.MatrixRow:
    total = sum(counts)
    cells = tuple(
        views.MatrixCell(
            number=number,
            heat=0 if said == true or not number else 1 + round(7 * (number - 1) / max(1, largest - 1)),
            is_right=said == true,
            says=f"{plural(number, 'picture')} of {labels[true]} "
            + ("known" if said == true else f"taken for {labels[said]}"),
        )
        for said, number in enumerate(counts)
    )
    return views.MatrixRow(label=labels[true], cells=cells, share_right=counts[true] / total if total else None)


def _worst(labels: tuple[str, ...], confusion: list[list[int]]) -> str:
    """The commonest error in words."""
    errors = [
        (count, true, said) for true, row in enumerate(confusion) for said, count in enumerate(row) if true != said
    ]
    count, true, said = max(errors, default=(0, 0, 0))
    return f"{count} of them {labels[true]} taken for {labels[said]}" if count else "not one"


def _report(services: Services, actor: Actor, model: Model) -> dict[str, Json]:
    try:
        return services.models.report(actor, model)
    except NotFound:
        return {}


def _dataset(services: Services, actor: Actor, model: Model) -> Link:
    if model.is_foreign:
        return Link(text="elsewhere", url="")
    with services.database.read() as tx:
        revision = tx.revisions.find(id=model.revision)
    return dataset_link(services, actor, revision.dataset) if revision else Link(text="a dataset that is gone", url="")


def _network(services: Services, actor: Actor, model: Model) -> Link:
    """Where its network leads; of a model that was trained elsewhere the file."""
    foreign = foreign_view(model)
    if foreign is not None:
        return Link(text=foreign.file, url="")
    return network_link(services, actor, model.network, _trained_by(services, model))


def _run(services: Services, actor: Actor, model: Model) -> Link | None:
    try:
        run = services.runs.named.get(actor, model.run)
    except NotFound:
        return None
    return None if run.trashed_at else Link(text=run.name, url=address("runs", run.name))


def _trained_by(services: Services, model: Model) -> Run | None:
    """The run that a model is of, also from the trash; nothing when it is gone."""
    with services.database.read() as tx:
        return tx.runs.find(id=model.run)


def _holds_python(services: Services, actor: Actor, model: Model) -> bool:
    """Whether its network is one of Python; those are neither looked into nor copied by everybody."""
    try:
        return is_python(services.models.network_text(actor, model))
    except NotFound:
        return False


def _contents(*, holds_python: bool) -> tuple[Fact, ...]:
    """What its download holds; of a network of Python the source."""
    source = Fact(term="Network", value=PYTHON_FILE)
    return tuple(source if holds_python and fact.term == "Network" else fact for fact in CONTENTS)


def _parameters(services: Services, actor: Actor, model: Model, num_classes: int) -> int | None:
    """The number of trained values; `None` when the revision is gone."""
    if model.is_foreign:
        return int(cast("dict[str, Any]", model.facts["file"])["parameters"])
    try:
        text = services.models.network_text(actor, model)
    except NotFound:
        return None
    with services.database.read() as tx:
        revision = tx.revisions.find(id=model.revision)
    shape = revision.facts.get("shape") if revision else None
    if not isinstance(shape, list):
        return None
    chosen = cast("dict[str, object]", model.facts.get("parameters") or {})
    decided = {"classes": num_classes} if num_classes else {}
    graph = services.networks.fit(text, {**decided, **chosen}, tuple(int(str(size)) for size in shape)).graph
    return graph.parameters if graph else None


def _facts(model: Model) -> tuple[Fact, ...]:
    foreign = foreign_view(model)
    if foreign is not None:
        return foreign.facts
    chosen = cast("dict[str, Json]", model.facts.get("parameters") or {})
    return (
        Fact(term="Task", value=model.task),
        Fact(term="Step", value=f"{model.step:,}"),
        *(Fact(term=name, value=plain(value)) for name, value in chosen.items()),
        Fact(term="Manifest", value=f"sha256 {model.manifest[:16]}…", is_code=True),
    )
