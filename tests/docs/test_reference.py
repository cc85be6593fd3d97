"""The reference is what the code has, and the index of decisions lists every one."""

import re

import pytest

from api.management.commands.reference import PAGES, build_page
from backend.devserver import CHECKOUT
from backend.environment import GROUPS, list_names
from backend.environment.compose import Compose

REFERENCE = CHECKOUT / "docs" / "reference"


def declared() -> list[str]:
    return [
        name
        for group in GROUPS
        for first, field in group.model_fields.items()
        for name in list_names(first, field)
    ]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_reference_is_printed_from_the_code(name):
    """If not: `manage.py reference` writes it."""
    assert (REFERENCE / f"{name}.md").read_text() == build_page(name)


def test_every_page_of_the_reference_is_one_that_is_printed():
    assert {path.stem for path in REFERENCE.glob("*.md")} == set(PAGES)


def test_the_index_of_decisions_lists_every_one_by_its_title():
    folder = CHECKOUT / "docs" / "decisions"
    listed = re.findall(r"^- \[(.+)\]\((.+)\)$", (folder / "index.md").read_text(), re.M)
    assert listed == [
        (path.read_text().splitlines()[0].removeprefix("# "), path.name)
        for path in sorted(folder.glob("0*.md"))
    ]


def test_every_variable_that_is_read_past_the_declaration_is_in_it():
    """If not: a line in `backend/environment/variables.py` or `compose.py` is missing."""
    read = re.compile(r"os\.environ(?:\.get\(|\[)['\"]([A-Z_]+)")
    files = [*CHECKOUT.glob("backend/**/*.py"), *CHECKOUT.glob("api/**/*.py")]
    found = {name for file in files for name in read.findall(file.read_text())}
    ours = {"DJANGO_SETTINGS_MODULE", "PROMETHEUS_MULTIPROC_DIR"}  # from one process to another
    assert found > {"DATA_DIR"}
    assert found - ours <= set(declared())


def test_the_compose_files_have_the_defaults_that_are_declared():
    files = ("docker-compose.yml", "docker-compose.prod.yml")
    text = "".join((CHECKOUT / name).read_text() for name in files)
    there = dict(sorted(re.findall(r"\$\{([A-Z_]+)(?::-([^}]*))?", text)))
    assert set(there) <= set(declared())
    here = {name: field.default for name, field in Compose.model_fields.items()}
    assert here == {name: there[name] for name in here}


def test_no_variable_is_declared_twice():
    assert len(declared()) == len(set(declared()))
