"""The contract of the database port, as a suite that every implementation passes.

Subclass `DatabaseContract` and give it a fixture `database`.
"""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from tenfold.core.datasets.dataset import Dataset
from tenfold.core.errors import Changed, Conflict, InvalidFields, NameTaken, NotFound
from tenfold.core.ids import DatasetId, JobId, NetworkId, NetworkVersionId, RevisionId, UserId, new_id
from tenfold.core.networks.network import Network, NetworkVersion
from tenfold.core.repository import Database, Query


def make_dataset(name: str, *, created_at: float = 1.0, tags: tuple[str, ...] = (), note: str = "") -> Dataset:
    """A dataset with every kind of column filled."""
    return Dataset(
        id=DatasetId(new_id("dataset")),
        name=name,
        owner=UserId("usr_0000000000000000"),
        created_at=created_at,
        changed_at=created_at,
        tags=tags,
        note=note,
        task="classification",
        state="ready",
        revision=RevisionId("rev_0000000000000000"),
        job=JobId("job_0000000000000000"),
        spec={"width": 28, "nested": {"a": [1, 2.5, None, True, "é"]}},
        source={"folder": "/data/ü"},
    )


def make_network_version(network: NetworkId, number: int) -> NetworkVersion:
    """A version of a network, the second and later ones with a parent."""
    return NetworkVersion(
        id=NetworkVersionId(new_id("network version")),
        network=network,
        number=number,
        created_at=float(number),
        author=UserId("usr_0000000000000000"),
        parent=NetworkVersionId(f"ver_{number - 1:016}") if number > 1 else None,
        text=f"language 1\nnetwork größe # {number}\n",
        summary="1 line changed",
        sha256="0" * 64,
        num_parameters=10**12 if number > 1 else None,
    )


class DatabaseContract:
    """What every database does."""

    def test_gives_back_what_was_put_in(self, database: Database) -> None:
        dataset = make_dataset("blumen ü 花", tags=("rot", "ß"), note="a\nb")
        with database.write() as tx:
            tx.datasets.add(dataset)
            assert tx.datasets.get(dataset.id) == dataset
        with database.read() as tx:
            assert tx.datasets.get(dataset.id) == dataset
            assert tx.datasets.find(name="blumen ü 花") == dataset
            assert tx.datasets.find(name="no") is None

    def test_a_network_keeps_its_versions_in_the_order_of_their_numbers(self, database: Database) -> None:
        network = Network(
            id=NetworkId(new_id("network")),
            name="mine",
            owner=UserId("usr_0000000000000000"),
            created_at=1.0,
            changed_at=12.0,
            current=NetworkVersionId(new_id("network version")),
            number=12,
            origin="catalogue:lenet",
            imported={"file": "train_val.prototxt", "unsupported": [{"line": 3}]},
        )
        versions = [make_network_version(network.id, number) for number in range(1, 13)]
        with database.write() as tx:
            tx.networks.add(network)
            for version in (*versions, make_network_version(NetworkId(new_id("network")), 1)):
                tx.network_versions.add(version)
        with database.read() as tx:
            assert tx.networks.get(network.id) == network
            assert tx.network_versions.find(network=network.id, number=1) == versions[0]
            asked = Query(where={"network": network.id}, sort="number", limit=5)
            newest = tx.network_versions.page(asked)
            assert (newest.items, newest.total) == (tuple(reversed(versions[7:])), 12)
            older = tx.network_versions.page(replace(asked, cursor=newest.cursor))
            assert older.items == tuple(reversed(versions[2:7]))

    def test_an_exception_undoes_the_whole_transaction(self, database: Database) -> None:
        first = make_dataset("a")
        with pytest.raises(RuntimeError), database.write() as tx:
            tx.datasets.add(first)
            tx.histories.put("run", 1, 0.1, {"loss": 1.0})
            raise RuntimeError
        with database.read() as tx:
            assert tx.datasets.count() == 0
            assert tx.histories.rows("run") == []

    def test_what_is_missing_is_named(self, database: Database) -> None:
        with database.write() as tx:
            with pytest.raises(NotFound, match="no dataset 'x'"):
                tx.datasets.get("x")
            with pytest.raises(NotFound):
                tx.datasets.remove("x")
            with pytest.raises(NotFound):
                tx.datasets.update(make_dataset("a"))

    def test_a_change_to_an_older_version_is_refused(self, database: Database) -> None:
        dataset = make_dataset("a")
        with database.write() as tx:
            tx.datasets.add(dataset)
            newer = tx.datasets.update(replace(dataset, note="one"))
            assert newer.version == 1
            with pytest.raises(Changed, match="version 1, not 0"):
                tx.datasets.update(replace(dataset, note="two"))
        with database.read() as tx:
            assert tx.datasets.get(dataset.id).note == "one"

    def test_names_are_unique_outside_the_trash(self, database: Database) -> None:
        first, second = make_dataset("a"), make_dataset("a")
        with database.write() as tx:
            tx.datasets.add(first)
        with pytest.raises(NameTaken, match="'a' is taken"), database.write() as tx:
            tx.datasets.add(second)
        with database.write() as tx:
            trashed = tx.datasets.update(replace(first, trashed_at=2.0))
            tx.datasets.add(second)
        with pytest.raises(NameTaken), database.write() as tx:
            tx.datasets.update(replace(trashed, trashed_at=None))

    def test_an_id_is_there_once(self, database: Database) -> None:
        first = make_dataset("a")
        with database.write() as tx:
            tx.datasets.add(first)
        with pytest.raises(Conflict), database.write() as tx:
            tx.datasets.add(replace(first, name="b"))

    def test_pages_give_everything_once_in_order(self, database: Database) -> None:
        with database.write() as tx:
            for number in range(25):
                tx.datasets.add(make_dataset(f"d{number:02}", created_at=float(number // 4)))
        for descending in (True, False):
            names: list[str] = []
            cursor = ""
            while True:
                with database.read() as tx:
                    page = tx.datasets.page(Query(limit=7, cursor=cursor, descending=descending))
                assert page.total == 25
                assert len(page.items) <= 7
                names += [item.name for item in page.items]
                cursor = page.cursor
                if not cursor:
                    break
            assert len(set(names)) == len(names) == 25
            by_name = [f"d{number:02}" for number in range(25)]
            assert sorted(names) == by_name

    def test_pages_filter_search_and_sort(self, database: Database) -> None:
        with database.write() as tx:
            tx.datasets.add(make_dataset("roses", tags=("garden",)))
            tx.datasets.add(make_dataset("cats", note="from the garden"))
            tx.datasets.add(make_dataset("100%", created_at=3.0))
            tx.datasets.add(replace(make_dataset("gone"), trashed_at=1.0))
        with database.read() as tx:
            assert {item.name for item in tx.datasets.page(Query(search="GARDEN")).items} == {"roses", "cats"}
            assert {item.name for item in tx.datasets.page(Query(search="garden cat")).items} == {"cats"}
            assert {item.name for item in tx.datasets.page(Query(search="%")).items} == {"100%"}
            assert {item.name for item in tx.datasets.page(Query(trashed=True)).items} == {"gone"}
            ordered = tx.datasets.page(Query(sort="name", descending=False)).items
            assert [item.name for item in ordered] == ["100%", "cats", "roses"]
            assert tx.datasets.page(Query(where={"name": ("cats", "roses")})).total == 2
            assert tx.datasets.page(Query(where={"name": "cats"})).total == 1

    def test_a_page_refuses_what_it_does_not_know(self, database: Database) -> None:
        with database.read() as tx:
            for query in (
                Query(sort="spec; drop"),
                Query(sort="tags"),
                Query(sort="spec"),
                Query(cursor="%%%"),
                Query(cursor="bnVsbA=="),
            ):
                with pytest.raises(InvalidFields):
                    tx.datasets.page(query)

    def test_rows_of_a_history_are_replaced_and_merged(self, database: Database) -> None:
        with database.write() as tx:
            tx.histories.put("run", 20, 1.0, {"train_loss": 1.0})
            tx.histories.put("run", 10, 0.5, {"train_loss": 2.0})
            tx.histories.put("run", 20, 1.0, {"val_loss": 3.0})
            tx.histories.put("run", 10, 0.5, {"train_loss": 2.5})
        with database.read() as tx:
            expected = [(10, 0.5, {"train_loss": 2.5}), (20, 1.0, {"train_loss": 1.0, "val_loss": 3.0})]
            assert tx.histories.rows("run") == expected
        with database.write() as tx:
            tx.histories.remove("run")
            assert tx.histories.rows("run") == []

    def test_writers_wait_for_each_other_and_lose_nothing(self, database: Database) -> None:
        dataset = make_dataset("counter")
        with database.write() as tx:
            tx.datasets.add(dataset)

        def count() -> None:
            for _ in range(10):
                with database.write() as tx:
                    current = tx.datasets.get(dataset.id)
                    tx.datasets.update(replace(current, num_samples=current.num_samples + 1))

        threads = [threading.Thread(target=count) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with database.read() as tx:
            assert tx.datasets.get(dataset.id).num_samples == 40
