from __future__ import annotations

import re
from dataclasses import dataclass, replace

import pytest
from web.samples.things import FRAME
from web.samples.training import new_run_page

from tenfold.core.errors import InvalidFields, Problem
from tenfold.core.fields import declare, fields_of, parse_spec
from tenfold.interfaces.web.rendering import Renderer
from tenfold.interfaces.web.views.forms import Option, at_level, field_views, grouped, level_tabs, text_of
from tenfold.interfaces.web.views.runs import NewRunPage


@dataclass(frozen=True, kw_only=True)
class Spec:
    name: str = declare(label="Name", help="What it is called.", level="essential", group="What")
    epochs: int = declare(3, label="Epochs", help="How often.", minimum=1, group="How")
    rate: float = declare(0.001, label="Rate", help="How fast.", above=0.0, group="How")
    is_grey: bool = declare(False, label="Grey", help="One channel.", level="everything", group="How")


def test_what_was_changed_is_marked_and_what_means_the_same_is_not() -> None:
    views = field_views(fields_of(Spec), {"name": "first", "epochs": "3", "rate": "1e-3", "is_grey": "true"})
    assert [view.is_changed for view in views] == [False, False, False, True]


def test_what_was_typed_stays_when_it_is_wrong() -> None:
    typed = {"name": "first", "epochs": "many", "rate": "0,001"}
    with pytest.raises(InvalidFields) as caught:
        parse_spec(Spec, typed)
    views = {view.name: view for view in field_views(fields_of(Spec), typed, caught.value.problems)}
    assert views["epochs"].value == "many"
    assert "whole number" in views["epochs"].problem or "number" in views["epochs"].problem
    assert "Write 0.001" in views["rate"].problem
    assert views["name"].problem == ""


def test_a_problem_is_shown_at_every_level() -> None:
    views = field_views(fields_of(Spec), {}, [Problem("is_grey", "Grey is yes or no.")])
    assert [view.name for view in at_level(views, "essential")] == ["name", "is_grey"]
    assert [view.name for view in at_level(field_views(fields_of(Spec), {}), "essential")] == ["name"]


def test_levels_count_their_fields() -> None:
    tabs = level_tabs(field_views(fields_of(Spec), {}), "common")
    assert [(tab.level, tab.num_fields, tab.is_current) for tab in tabs] == [
        ("essential", 1, False),
        ("common", 3, True),
        ("everything", 4, False),
    ]


def test_fields_stand_under_the_headings_they_declare() -> None:
    groups = grouped(field_views(fields_of(Spec), {}), leave_out=["rate"])
    assert [(group.title, [view.name for view in group.fields]) for group in groups] == [
        ("What", ["name"]),
        ("How", ["epochs", "is_grey"]),
    ]


def test_a_proposal_is_no_change_and_a_prefix_keeps_names_apart() -> None:
    (name, *_) = field_views(fields_of(Spec), {}, prefix="parameters.", proposals={"parameters.name": "lenet-2"})
    assert (name.name, name.value, name.is_changed) == ("parameters.name", "lenet-2", False)


def test_offered_objects_become_options() -> None:
    (name, *_) = field_views(fields_of(Spec), {"name": "b"}, options={"name": [Option(value="b", label="Beta")]})
    assert name.value_words == "Beta"


@pytest.mark.parametrize(("value", "text"), [(None, ""), (True, "true"), (3.0, "3"), (1e-05, "1e-05"), ("x", "x")])
def test_values_become_texts(value: object, text: str) -> None:
    assert text_of(value) == text


def test_every_declared_field_has_its_help_its_range_and_its_error_in_the_form(renderer: Renderer) -> None:
    problems = (Problem("rate", "Learning rate is -1; allowed is above 0, at most 100."),)
    page = new_run_page("everything", {"rate": "-1", "epochs": "30"}, problems)
    markup = renderer.render(page, FRAME)
    for group in page.groups:
        for view in group.fields:
            assert view.field.help.split("`")[0] in markup.replace("&#39;", "'")
            assert f'name="{view.name}"' in markup
    assert 'value="-1"' in markup
    assert "Learning rate is -1; allowed is above 0, at most 100." in markup
    assert 'aria-invalid="true"' in markup
    assert "Default: 3." in markup


def test_enter_in_a_field_starts_the_run(renderer: Renderer) -> None:
    """A browser presses the first button of the form that sends it."""
    form = renderer.render(new_run_page(), FRAME).partition('<form action="/runs/new"')[2]
    first = re.findall(r"<button[^>]*>", form)[0]
    assert 'type="submit"' in first
    assert "formaction" not in first
    assert "level" not in first


def test_parts_of_the_form_follow_what_they_tell_of(renderer: Renderer) -> None:
    def trigger(page: NewRunPage, part: str) -> str:
        found = re.search(rf'<\w+[^>]* id="{part}"[^>]*>', renderer.render(page, FRAME))
        assert found is not None
        assert part in NewRunPage.fragments
        return "".join(re.findall(r'hx-trigger="([^"]*)"', found[0]))

    assert trigger(new_run_page(), "changes").startswith("change from:closest form")
    assert trigger(new_run_page(), "naming") == "change from:[name='network']"
    assert trigger(new_run_page(), "learnt") == ""
    assert trigger(replace(new_run_page(), is_building=True), "learnt").startswith("load delay")


def test_an_empty_name_stands_for_the_proposed_one(renderer: Renderer) -> None:
    page = new_run_page()
    markup = renderer.field(replace(page.name, proposal="alexnet-mnist"))
    assert 'value=""' in markup
    assert 'placeholder="alexnet-mnist"' in markup


def test_a_value_outside_the_level_goes_along(renderer: Renderer) -> None:
    markup = renderer.render(new_run_page("essential", {"epochs": "30"}), FRAME)
    assert '<input type="hidden" name="epochs" value="30">' in markup
    assert "default 3" in markup
