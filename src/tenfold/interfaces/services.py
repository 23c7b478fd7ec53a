"""The services as every door is given them."""

from __future__ import annotations

from dataclasses import dataclass

from tenfold.core.accounts.policy import Actor
from tenfold.core.datasets.browsing import FolderBrowser
from tenfold.core.datasets.dataset import Dataset
from tenfold.core.datasets.layouts import LayoutReader
from tenfold.core.datasets.sample_data import SampleData
from tenfold.core.ids import RevisionId
from tenfold.core.jobs.model import Job
from tenfold.core.repository import Database
from tenfold.services.accounts import AccountService
from tenfold.services.additions import AdditionService
from tenfold.services.checkups import CheckupService
from tenfold.services.datasets import DatasetService
from tenfold.services.desk import JobDesk
from tenfold.services.environments import EnvironmentService
from tenfold.services.errands import Errands
from tenfold.services.exports import ExportService
from tenfold.services.hub import Hub
from tenfold.services.inside import InsideService
from tenfold.services.inspections import InspectionService
from tenfold.services.machine import MachineService
from tenfold.services.model_imports import ModelImports
from tenfold.services.models import ModelService
from tenfold.services.network_copies import NetworkCopies
from tenfold.services.network_imports import NetworkImports
from tenfold.services.networks import NetworkService
from tenfold.services.previews import PreviewService
from tenfold.services.remote import RemoteService
from tenfold.services.revisions import RevisionService
from tenfold.services.runs import RunService
from tenfold.services.trash import TrashService
from tenfold.services.uploads import UploadService


@dataclass(frozen=True, kw_only=True)
class Services:
    """What the program can do; made by `bootstrap`."""

    database: Database
    accounts: AccountService
    datasets: DatasetService
    revisions: RevisionService
    exports: ExportService
    additions: AdditionService
    checkups: CheckupService
    networks: NetworkService
    network_copies: NetworkCopies
    network_imports: NetworkImports
    runs: RunService
    models: ModelService
    model_imports: ModelImports
    desk: JobDesk
    errands: Errands
    inside: InsideService
    inspections: InspectionService
    trash: TrashService
    hub: Hub
    machine: MachineService
    environments: EnvironmentService
    folders: FolderBrowser
    layouts: LayoutReader
    previews: PreviewService
    uploads: UploadService
    remote: RemoteService
    samples: SampleData
    owner: Actor
    version: str

    def subject_name(self, actor: Actor, job: Job) -> str:
        """The name of the run or dataset that a job works on."""
        if job.kind == "train":
            return self.runs.named.get(actor, job.subject).name
        return self.dataset_of(actor, job).name

    def dataset_of(self, actor: Actor, job: Job) -> Dataset:
        """The dataset that a job makes, adds to or checks; raises `NotFound`."""
        subject = self.datasets.dataset_id(RevisionId(job.subject)) if job.kind == "check" else job.subject
        return self.datasets.named.get(actor, subject)

    def close(self) -> None:
        """Stops following jobs, which go on, and lets go of everything."""
        self.trash.close()
        self.errands.close()
        self.desk.close()
        self.models.close()
        self.database.close()
