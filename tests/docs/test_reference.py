"""The documents say what the code says."""

import re
from pathlib import Path

import pytest

from tenfold.interfaces.schemas.reference import fields_reference

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def test_the_fields_page_is_made_of_the_declarations() -> None:
    written = (ROOT / "docs" / "reference" / "fields.md").read_text("utf-8")
    assert written == fields_reference(), (
        "run: python -m tenfold.interfaces.schemas.reference > docs/reference/fields.md"
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_decision_has_the_four_headings() -> None:
    for page in (ROOT / "docs" / "adr").glob("0*.md"):
        found = re.findall(r"^\*\*(\w+)\.\*\*", page.read_text("utf-8"), re.MULTILINE)
        assert found == ["Context", "Decision", "Consequences", "Considered"], page.name


def test_the_changelog_names_the_version() -> None:
    from tenfold import __version__

    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert f'version = "{__version__}"' in (ROOT / "pyproject.toml").read_text("utf-8")
