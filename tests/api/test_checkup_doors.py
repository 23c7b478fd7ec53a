"""The doctor of a dataset over REST, by the client and on the page."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from tenfold.client import Client, InvalidError, NotFoundError
from tenfold.testing.pictures import write_shapes

from .conftest import ORIGIN, Site


@pytest.fixture
def twins(site: Site, client: Client) -> Iterator[str]:
    """A dataset with a picture of each class that is there twice, checked."""
    folder = site.home / "twins"
    if not folder.exists():
        write_shapes(folder, per_class=30, seed=3)
        for shape in ("bar", "ring"):
            content = (folder / shape / "0003.png").read_bytes()
            (folder / shape / "again.png").write_bytes(content + b"\0")
    made = client.datasets.import_folder(folder)
    client.datasets.wait(made.id)
    deadline = time.monotonic() + 120
    while client.datasets.checkup(made.id).checked_at is None:
        assert time.monotonic() < deadline, client.datasets.checkup(made.id)
        time.sleep(0.05)
    yield made.name
    client.datasets.trash(made.id)


def test_an_import_is_checked_and_a_finding_mended(owner: TestClient, client: Client, twins: str) -> None:
    told = client.datasets.checkup(twins)
    assert (told.state, told.num_samples, told.name) == ("finished", 92, twins)
    finding = next(each for each in told.findings if each.code in {"duplicate", "leak", "leak-val"})
    assert finding.fix is not None
    assert finding.why
    shown = list(client.datasets.samples(twins, finding=finding.code, sort="finding"))
    assert len(shown) == finding.num_samples
    assert [each.index for each in shown][: len(finding.examples)] == finding.examples
    page = owner.get(f"/datasets/{twins}?finding={finding.code}&sort=finding").text
    assert finding.sentence in page
    assert re.findall(r'name="index" value="(\d+)"', page) == [str(each.index) for each in shown]
    assert "A fix makes revision 2. Revision 1, and the runs on it, stay" in page
    first = client.datasets.get(twins).revision
    made = client.datasets.fix(twins, finding.code)
    assert (made.number, made.parent) == (2, first)
    over = client.datasets.wait_checked(twins)
    assert finding.code not in {each.code for each in over.findings if each.count == finding.count}


def test_a_finding_is_mended_on_the_page_and_undone(site: Site, owner: TestClient, client: Client, twins: str) -> None:
    on = client.datasets.get(twins).revision
    code = client.datasets.checkup(twins).findings[0].code
    origin = {"origin": ORIGIN}
    done = owner.post(f"/datasets/{twins}/revisions/{on}/findings/{code}/fix", headers=origin, follow_redirects=False)
    assert (done.status_code, done.headers["location"]) == (303, f"/datasets/{twins}#doctor")
    assert client.datasets.get(twins).revision != on
    client.datasets.undo(twins)
    again = owner.post(f"/datasets/{twins}/check", headers=origin, follow_redirects=False)
    assert again.status_code == 303
    assert client.datasets.wait_checked(twins).state == "finished"


def test_all_of_a_finding_is_changed_and_no_more(owner: TestClient, client: Client, twins: str) -> None:
    finding = next(each for each in client.datasets.checkup(twins).findings if each.num_samples)
    on = client.datasets.get(twins).revision
    form = {"revision": on, "action": "exclude", "all": "true", "query": f"finding={finding.code}"}
    assert owner.post(f"/datasets/{twins}/edit", headers={"origin": ORIGIN}, data=form).status_code == 200
    assert next(client.datasets.revisions(twins)).summary == f"{finding.num_samples} excluded"


def test_any_model_that_fits_judges_to_be_sorted_by(owner: TestClient, client: Client, site: Site, twins: str) -> None:
    runs = [client.runs.start(dataset=twins, network="lenet", epochs=1, name=name) for name in ("early", "late")]
    assert [client.runs.wait(run.id).state for run in runs] == ["finished", "finished"]
    before = client.datasets.checkup(twins)
    assert {each.name: each.has_judged for each in client.datasets.judges(twins)} == {"early": False, "late": False}
    with pytest.raises(InvalidError, match="late has not judged this revision"):
        list(client.datasets.samples(twins, sort="confidence", model="late"))
    asked = f"/datasets/{twins}?sort=confidence&model=late"
    assert "Let late judge these pictures" in owner.get(asked).text
    form = {"model": "late", "query": "sort=confidence&model=late"}
    led = owner.post(f"/datasets/{twins}/judge", headers={"origin": ORIGIN}, data=form, follow_redirects=False)
    assert led.headers["location"] == f"{asked}#pictures"
    client.datasets.wait_checked(twins)
    late = [each.index for each in client.datasets.samples(twins, sort="confidence", model="late")]
    page = owner.get(asked).text
    assert [int(index) for index in re.findall(r'name="index" value="(\d+)"', page)] == late
    assert "Let late judge" not in page
    client.datasets.judge(twins, "early")
    client.datasets.wait_checked(twins)
    early = [each.index for each in client.datasets.samples(twins, sort="confidence", model="early")]
    assert sorted(early) == sorted(late)
    assert early == [each.index for each in client.datasets.samples(twins, sort="confidence")]
    assert client.datasets.checkup(twins).findings == before.findings
    write_shapes(site.home / "others" / "x", per_class=12, seed=4)
    (site.home / "others" / "x" / "ring").rename(site.home / "others" / "x" / "oval")
    other = client.datasets.wait(client.datasets.import_folder(site.home / "others" / "x").id)
    assert client.datasets.judges(other.name) == []
    with pytest.raises(InvalidError, match="late does not know the class 'oval'"):
        client.datasets.judge(other.name, "late")
    for run in runs:
        client.models.trash(run.name)
        client.runs.trash(run.id)


def test_what_is_asked_wrongly_is_told(owner: TestClient, client: Client, twins: str) -> None:
    with pytest.raises(NotFoundError, match="has no finding 'blank'"):
        client.datasets.fix(twins, "blank")
    with pytest.raises(NotFoundError, match="no model named 'nobody'"):
        client.datasets.check(twins, model="nobody")
    with pytest.raises(InvalidError, match="Folds is 99"):
        client.datasets.find_wrong_labels(twins, folds=99)
    with pytest.raises(InvalidError, match="No model has judged"):
        list(client.datasets.samples(twins, sort="confidence"))
    with pytest.raises(InvalidError, match="no model named 'nobody'"):
        list(client.datasets.samples(twins, sort="confidence", model="nobody"))
    unknown = owner.get(f"/datasets/{twins}?sort=confidence")
    assert "No model has judged these pictures" in unknown.text
