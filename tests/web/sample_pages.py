"""Every page with figures that hang together: what the tests render, and what `sample_site.py` serves to look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from web.samples.data import (
    building_dataset_page,
    calm_home_page,
    checking_dataset_page,
    dataset_page,
    datasets_page,
    empty_home_page,
    failed_dataset_page,
    home_page,
    new_dataset_page,
    refused_dataset_page,
    refused_edit_page,
    unchecked_dataset_page,
)
from web.samples.rest import (
    NEXT_START,
    broken_page,
    forbidden_page,
    link_sign_in_page,
    lone_people_page,
    not_found_page,
    people_page,
    queue_page,
    refused_settings_page,
    settings_page,
    sign_in_page,
    tokens_page,
    trash_page,
)
from web.samples.results import (
    bare_test_model_page,
    blocks_page,
    broken_network_page,
    foreign_model_page,
    imported_network_page,
    model_page,
    models_page,
    network_page,
    networks_page,
    new_network_page,
    python_network_page,
    refused_model_page,
    refused_network_page,
    refused_python_page,
    test_model_page,
)
from web.samples.things import FRAME, NOW, RUN_ROWS, VIEWER
from web.samples.training import (
    failed_run_page,
    finished_run_page,
    new_run_page,
    refused_run_page,
    run_page,
    waiting_run_page,
)

from tenfold.interfaces.web.presenters.language import language_page
from tenfold.interfaces.web.presenters.new_model import new_model_page
from tenfold.interfaces.web.views import components, datasets, models, runs, settings
from tenfold.interfaces.web.views.frame import Frame, Page, Toast

PAGES: dict[str, Callable[[], Page]] = {
    "home": home_page,
    "home-calm": calm_home_page,
    "home-empty": empty_home_page,
    "datasets": datasets_page,
    "datasets-empty": lambda: datasets.DatasetsPage(rows=()),
    "datasets-search": lambda: datasets.DatasetsPage(rows=(), search="nothing like this"),
    "dataset-new": new_dataset_page,
    "dataset-new-refused": refused_dataset_page,
    "dataset": dataset_page,
    "dataset-unchecked": unchecked_dataset_page,
    "dataset-checking": checking_dataset_page,
    "dataset-edit-refused": refused_edit_page,
    "dataset-revisions": lambda: replace(dataset_page(), tab="revisions", gallery=None),
    "dataset-rejected": lambda: replace(dataset_page(), tab="rejected", gallery=None),
    "dataset-runs": lambda: replace(dataset_page(), tab="runs"),
    "dataset-building": building_dataset_page,
    "dataset-failed": failed_dataset_page,
    "runs": lambda: runs.RunsPage(rows=RUN_ROWS, num_runs=10_214, next_url="/runs?after=xyz"),
    "runs-empty": lambda: runs.RunsPage(rows=(), num_runs=0),
    "run-new": new_run_page,
    "run-new-essential": lambda: new_run_page("essential", {"epochs": "30"}),
    "run-new-refused": refused_run_page,
    "run-new-without": lambda: replace(new_run_page(), has_datasets=False),
    "run": run_page,
    "run-waiting": waiting_run_page,
    "run-finished": finished_run_page,
    "run-failed": failed_run_page,
    "models": models_page,
    "models-empty": lambda: models.ModelsPage(rows=()),
    "model": model_page,
    "model-test": test_model_page,
    "model-test-bare": bare_test_model_page,
    "model-foreign": foreign_model_page,
    "model-new": lambda: new_model_page({}, confined="Confined (level B): Landlock (version 7)."),
    "model-new-refused": refused_model_page,
    "networks": networks_page,
    "network": network_page,
    "network-broken": broken_network_page,
    "network-blocks": blocks_page,
    "network-imported": imported_network_page,
    "network-language": language_page,
    "network-new": new_network_page,
    "network-python": python_network_page,
    "network-python-refused": refused_python_page,
    "network-new-refused": refused_network_page,
    "queue": queue_page,
    "queue-empty": lambda: settings.QueuePage(running=(), waiting=(), next_start=NEXT_START),
    "settings": settings_page,
    "settings-refused": refused_settings_page,
    "settings-tokens": tokens_page,
    "settings-people": people_page,
    "settings-people-lone": lone_people_page,
    "sign-in": sign_in_page,
    "sign-in-link": link_sign_in_page,
    "error-404": not_found_page,
    "error-403": forbidden_page,
    "error-500": broken_page,
    "trash": trash_page,
    "trash-empty": lambda: settings.TrashPage(rows=(), kept_days=30),
    "more": settings.MorePage,
    "components": lambda: components.example_page(NOW),
}


def frame_for(name: str) -> Frame:
    """The frame around a sample page: nobody is signed in where the page asks for it."""
    if name.startswith("sign-in"):
        return replace(FRAME, viewer=None, gauges=(), num_running=0, num_waiting=0)
    if name == "runs":
        return replace(FRAME, toast=Toast(text="lenet-mnist-0 is in the trash.", undo_url="/trash/runs/run_0/restore"))
    if name == "error-403":
        return replace(FRAME, viewer=VIEWER)
    return FRAME
