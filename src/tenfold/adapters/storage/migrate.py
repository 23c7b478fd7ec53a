"""Brings a database to the newest schema."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, inspect, text

NEWEST = "0002"
_SCRIPTS = Path(__file__).with_name("migrations")


def known_revisions() -> set[str]:
    """The schemas that this Tenfold can bring to the newest."""
    return {path.name.partition("_")[0] for path in _SCRIPTS.glob("versions/[0-9]*.py")}


def migrate(engine: Engine) -> None:
    """Runs the migrations that are missing, all in one transaction; does nothing on a current database."""
    if _current(engine) == NEWEST:
        return
    from alembic import command  # noqa: PLC0415  only a database that is behind pays for the import
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    with engine.execution_options(writes=True).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, NEWEST)


def _current(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("select version_num from alembic_version")).scalar()
