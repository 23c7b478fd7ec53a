import typing
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tenfold.adapters.storage import migrate as migrations
from tenfold.adapters.storage.memory import InMemoryDatabase
from tenfold.adapters.storage.schema import metadata
from tenfold.adapters.storage.sql import SqlDatabase, open_sqlite
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.errors import Damaged, Unavailable
from tenfold.core.fields import fields_of
from tenfold.core.repository import Query
from tenfold.testing.repositories import DatabaseContract, make_dataset


class TestSqlite(DatabaseContract):
    @pytest.fixture
    def database(self, tmp_path: Path) -> Iterator[SqlDatabase]:
        database = open_sqlite(tmp_path / "tenfold.sqlite")
        yield database
        database.close()

    def test_migrations_lead_to_the_schema_that_the_code_has(self, database: SqlDatabase) -> None:
        with database.engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), metadata) == []

    def test_is_durable_when_a_write_returns(self, database: SqlDatabase) -> None:
        with database.engine.connect() as connection:
            assert connection.exec_driver_sql("pragma journal_mode").scalar() == "wal"
            assert connection.exec_driver_sql("pragma synchronous").scalar() == 2
            assert connection.exec_driver_sql("pragma foreign_keys").scalar() == 1

    @pytest.mark.parametrize("content", [b"no database at all, " * 300, b"SQLite format 3\0" + bytes(5000)])
    def test_a_damaged_file_is_told_and_left_alone(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "other.sqlite"
        path.write_bytes(content)
        with pytest.raises(Damaged, match=r"other.sqlite is damaged: .* Put back a copy"):
            open_sqlite(path)
        assert path.read_bytes() == content
        assert list(tmp_path.iterdir()) == [path]

    def test_one_of_a_newer_tenfold_is_told_and_left_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "other.sqlite"
        newer = open_sqlite(path)
        with newer.engine.begin() as connection:
            connection.exec_driver_sql("update alembic_version set version_num = '9999'")
        newer.close()
        before = path.read_bytes()
        with pytest.raises(Unavailable, match=r"by a newer Tenfold: its schema is 9999, and this one knows 0002"):
            open_sqlite(path)
        assert path.read_bytes() == before
        assert list(tmp_path.iterdir()) == [path]

    def test_one_of_the_first_release_keeps_its_runs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "old.sqlite"
        with monkeypatch.context() as then:
            then.setattr(migrations, "NEWEST", "0001")
            old = open_sqlite(path)
        row = {
            **dict.fromkeys(("id", "name", "owner", "task", "state", "job", "dataset", "revision"), "'x'"),
            **dict.fromkeys(("network", "network_text", "note", "code", "message"), "'lenet'"),
            **dict.fromkeys(("tags", "parameters", "spec", "progress", "metrics"), "'{}'"),
            **dict.fromkeys(("version", "created_at", "changed_at"), "1"),
        }
        with old.engine.begin() as connection:
            columns, values = ", ".join(row), ", ".join(row.values())
            connection.exec_driver_sql(f"insert into runs ({columns}) values ({values})")
        old.close()
        now = open_sqlite(path)
        with now.write() as tx:
            run = tx.runs.get("x")
            assert (run.network, run.network_id, run.network_version) == ("lenet", None, None)
            assert tx.networks.count() == 0
            tx.runs.update(replace(run, network_version=3))
        now.close()

    def test_damage_that_is_met_later_is_told_in_words(self, database: SqlDatabase, tmp_path: Path) -> None:
        database.close()
        path = tmp_path / "tenfold.sqlite"
        content = bytearray(path.read_bytes())
        content[4096:] = b"\xff" * (len(content) - 4096)
        path.write_bytes(content)
        again = SqlDatabase(database.engine)
        with pytest.raises(Unavailable, match=r"The database is damaged: .* Put back a copy"), again.read() as tx:
            tx.datasets.count()
        again.close()

    def test_opens_again_with_what_it_held(self, database: SqlDatabase, tmp_path: Path) -> None:
        dataset = make_dataset("kept")
        with database.write() as tx:
            tx.datasets.add(dataset)
        database.close()
        again = open_sqlite(tmp_path / "tenfold.sqlite")
        with again.read() as tx:
            assert tx.datasets.get(dataset.id) == dataset
        again.close()

    def test_a_row_costs_no_look_at_annotations(self, database: SqlDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
        with database.write() as tx:
            for number in range(3):
                tx.datasets.add(make_dataset(f"d{number}"))
            tx.datasets.page(Query())
            declared = fields_of(DatasetSpec)
            with monkeypatch.context() as watched:
                watched.setattr(typing, "get_type_hints", _never)
                assert tx.datasets.page(Query()).total == 3
                assert fields_of(DatasetSpec) is declared

    def test_readers_do_not_wait_for_a_writer(self, database: SqlDatabase) -> None:
        dataset = make_dataset("unseen")
        with database.write() as tx:
            tx.datasets.add(dataset)
            with database.read() as other:
                assert other.datasets.find(name="unseen") is None


def _never(*_arguments: object) -> None:
    raise AssertionError("annotations are looked at once a kind, not once a row")


class TestInMemory(DatabaseContract):
    @pytest.fixture
    def database(self) -> InMemoryDatabase:
        return InMemoryDatabase()
