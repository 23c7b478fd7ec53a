"""Every page, rendered from sample figures: what holds for all of them."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

import pytest
from jinja2 import UndefinedError
from web.sample_pages import PAGES, frame_for
from web.samples.data import dataset_page, home_page
from web.samples.results import model_page
from web.samples.things import FRAME, VIEWER
from web.samples.training import run_page

from tenfold.interfaces.web.rendering import Renderer
from tenfold.interfaces.web.views.frame import Page

EDITORS = {"network", "network-broken", "network-blocks", "network-imported"}  # the pages that load the editor's script
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
LATER = ("/workstation", "/runs/compare", "Workstation", "Compare", "Explain", "Endpoints", "Steer", "Sweep")
EVIL = '"><script>alert(1)</script>'


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    ancestors: tuple[Element, ...]
    texts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())


class Document(HTMLParser):
    """The elements of a page in order; an end tag that closes nothing is an error."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(markup)
        assert not self._open, f"never closed: {[element.tag for element in self._open]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"{tag} has an attribute twice: {names}"
        element = Element(tag, {name: value or "" for name, value in attrs}, tuple(self._open))
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}, tuple(self._open)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open[-1].tag == tag, f"</{tag}> closes {self._open[-1].tag}"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.texts.append(data)

    def all(self, *tags: str) -> list[Element]:
        return [element for element in self.elements if element.tag in tags]

    def ids(self) -> set[str]:
        return {element.attributes["id"] for element in self.elements if "id" in element.attributes}


@pytest.fixture(params=PAGES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def document(renderer: Renderer, name: str) -> Document:
    return Document(renderer.render(PAGES[name](), frame_for(name)))


def test_nothing_on_a_page_needs_an_exception_from_the_policy(name: str, document: Document) -> None:
    for element in document.elements:
        assert "style" not in element.attributes, element
        assert element.tag != "style"
        assert not [attribute for attribute in element.attributes if attribute.startswith("on")], element
        assert not [attribute for attribute in element.attributes if attribute.startswith("hx-on")], element
        address = element.attributes.get("src", "") + element.attributes.get("href", "")
        assert not address.startswith(("javascript:", "http:", "https:", "//")), element
    scripts = document.all("script")
    sources = [script.attributes["src"].rpartition("/")[2].partition("-")[0] for script in scripts]
    assert sources == ["main", "editor"][: 2 if name in EDITORS else 1]


def test_a_page_has_one_heading_one_title_and_a_main_part(document: Document) -> None:
    assert len(document.all("h1")) == 1
    assert document.all("h1")[0].text
    assert len(document.all("main")) == 1
    assert document.all("title")[0].text.endswith("· Tenfold")
    assert document.all("title")[0].text != "· Tenfold"


def test_every_control_has_a_name_and_what_describes_it_exists(document: Document) -> None:
    ids = document.ids()
    labelled = {label.attributes.get("for") for label in document.all("label")}
    for control in document.all("input", "select", "textarea"):
        attributes = control.attributes
        if attributes.get("type") == "hidden" or attributes.get("aria-hidden") == "true":
            continue
        wrapped = any(ancestor.tag == "label" for ancestor in control.ancestors)
        assert attributes.get("id") in labelled or wrapped or "aria-label" in attributes, control
        for described in attributes.get("aria-describedby", "").split():
            assert described in ids, (described, control)
        if attributes.get("aria-invalid"):
            assert "error" in attributes["aria-describedby"], control


def test_ids_are_unique_and_links_within_the_page_lead_somewhere(document: Document) -> None:
    counted = Counter(element.attributes["id"] for element in document.elements if "id" in element.attributes)
    assert [name for name, number in counted.items() if number > 1] == []
    for element in document.elements:
        for attribute in ("aria-labelledby", "aria-controls", "for", "data-copy", "data-opens"):
            assert element.attributes.get(attribute) in document.ids() | {None}, element
        if element.attributes.get("href", "").startswith("#"):
            assert element.attributes["href"][1:] in document.ids(), element


def test_buttons_links_and_pictures_say_what_they_are(document: Document) -> None:
    for element in document.all("button", "a", "summary"):
        assert element.text or element.attributes.get("aria-label"), element
    for image in document.all("img"):
        assert "alt" in image.attributes
        assert image.attributes.get("width", "").isdigit(), "without a size the page jumps"


def test_one_filled_button_at_most(name: str, document: Document) -> None:
    filled = [
        element for element in document.all("a", "button") if "first" in element.attributes.get("class", "").split()
    ]
    assert len(filled) <= 1


def test_only_known_classes_of_state_and_no_value_leaks(document: Document) -> None:
    text = " ".join(element.text for element in document.all("body"))
    for leak in ("None", "Undefined", "<bound", "object at", "{{", "}}", "nan"):
        assert leak not in text, leak


def test_places_and_buttons_of_later_stages_are_absent(renderer: Renderer, name: str) -> None:
    markup = renderer.render(PAGES[name](), frame_for(name))
    for word in LATER:
        assert word not in markup, word


def test_each_fragment_is_the_part_of_its_own_page(renderer: Renderer, name: str) -> None:
    page, frame = PAGES[name](), frame_for(name)
    whole = renderer.render(page, frame)
    for fragment in page.fragments:
        if f'id="{fragment}"' not in whole:
            continue
        part = renderer.render(page, frame, fragment=fragment)
        assert part.strip() in whole
        assert "<html" not in part


def test_an_unknown_name_in_a_template_is_an_error(renderer: Renderer) -> None:
    broken = replace(dataset_page())
    object.__delattr__(broken, "named")
    with pytest.raises((UndefinedError, AttributeError), match="named"):
        renderer.render(broken, FRAME)


def test_an_unknown_fragment_gives_the_whole_page(renderer: Renderer) -> None:
    assert "<html" in renderer.render(home_page(), FRAME, fragment="main")


@pytest.mark.parametrize("page", [dataset_page(), run_page(), model_page()], ids=["dataset", "run", "model"])
def test_texts_of_people_are_never_markup(renderer: Renderer, page: Page) -> None:
    named = replace(page.named, name=EVIL, note=EVIL, tags=(EVIL,), owner=EVIL)  # type: ignore[attr-defined]
    markup = renderer.render(dataclasses.replace(page, named=named), FRAME)  # type: ignore[type-var]
    assert "<script>alert" not in markup
    assert "&lt;script&gt;" in markup
    Document(markup)


def test_who_may_not_edit_is_offered_no_edit(renderer: Renderer) -> None:
    frame = replace(FRAME, viewer=VIEWER)
    page = replace(home_page(), can_edit=False, failures=())
    assert "/runs/new" not in renderer.render(page, frame)
    run = run_page()
    markup = renderer.render(replace(run, can_copy=False, named=replace(run.named, can_edit=False)), frame)
    assert not re.search(r'<form method="post"', markup)


def test_the_chosen_colours_come_with_the_page(renderer: Renderer) -> None:
    assert 'data-theme="dark"' in renderer.render(home_page(), replace(FRAME, theme="dark"))
    assert "data-theme=" not in renderer.render(home_page(), FRAME).split("<body")[0]
