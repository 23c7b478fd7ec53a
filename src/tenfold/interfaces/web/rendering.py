"""Pages from view models: one environment, strict about every name, and escaping every text."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tenfold.core.errors import Unavailable
from tenfold.interfaces.web import formatting
from tenfold.interfaces.web.views.forms import FieldView
from tenfold.interfaces.web.views.frame import Frame, Page
from tenfold.interfaces.web.views.preflight import ForecastView

HERE = Path(__file__).parent
BUILT = HERE / "static" / "built"
ASSETS_URL = "/static"
MACROS = ("parts", "forms", "tables", "charts", "named", "pictures", "doctor", "network", "preflight", "tiles")


class Renderer:
    """Renders pages and their fragments. Safe to use from several threads.

    `now` gives the time that dates are told against and `zone` the time zone they are told in.
    """

    def __init__(self, *, now: Callable[[], datetime], zone: tzinfo, built: Path = BUILT) -> None:
        self._assets = _read_manifest(built)
        self._environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters |= {
            "count": formatting.count,
            "short_count": formatting.short_count,
            "significant": formatting.significant,
            "percent": formatting.percent,
            "duration": formatting.duration,
            "data_size": formatting.data_size,
            "plural": formatting.plural,
            "clock": lambda moment: formatting.clock(moment, now(), zone),
            "iso": lambda moment: moment.astimezone(zone).isoformat(timespec="seconds"),
            "spark": spark_path,
            "segment": lambda text: quote(text, safe=""),
        }
        self._environment.globals["asset"] = self.asset_url
        self._mutex = threading.Lock()
        self._is_warm = False

    def warm(self) -> None:
        """Compiles the components that pages are made of, unless it is done."""
        with self._mutex:
            if not self._is_warm:
                for name in MACROS:
                    self._environment.globals[name] = self._environment.get_template(f"components/{name}.html").module
                self._is_warm = True

    def render(self, page: Page, frame: Frame, *, fragment: str = "") -> str:
        """The whole page, or only the block `fragment` of it when the page offers that one."""
        self.warm()
        template = self._environment.get_template(f"pages/{page.template}")
        names = {"page": page, "frame": frame}
        if fragment in page.fragments:
            return "".join(template.blocks[fragment](template.new_context(names)))
        return template.render(names)

    def part(self, page: Page, fragment: str) -> str:
        """One block of a page that stands in no frame."""
        self.warm()
        template = self._environment.get_template(f"pages/{page.template}")
        return "".join(template.blocks[fragment](template.new_context({"page": page})))

    def field(self, view: FieldView) -> str:
        """One field of a form, as the form has it."""
        self.warm()
        module = self._environment.globals["forms"]
        return str(module.field(view))  # type: ignore[attr-defined]

    def preflight(self, view: ForecastView) -> str:
        """What a run would take, as the form of a new run has it."""
        self.warm()
        module = self._environment.globals["preflight"]
        return str(module.preflight(view))  # type: ignore[attr-defined]

    def asset_url(self, name: str) -> str:
        """The address of a built file, with its content's hash in it."""
        try:
            return f"{ASSETS_URL}/{self._assets[name]}"
        except KeyError:
            known = ", ".join(sorted(self._assets))
            raise Unavailable(f"There is no built file {name!r}; there are {known}.", code="web.no-asset") from None


def spark_path(values: Sequence[float]) -> str:
    """The path of a small curve in a box of 100 x 20, rising to the top."""
    if not values:
        return ""
    low, high = min(values), max(values)
    step = 100 / max(1, len(values) - 1)
    heights = [19 - 17 * ((value - low) / (high - low) if high > low else 0.5) for value in values]
    return "M" + " ".join(f"{index * step:.1f} {height:.1f}" for index, height in enumerate(heights))


def _read_manifest(built: Path) -> dict[str, str]:
    manifest = built / "manifest.json"
    if not manifest.is_file():
        raise Unavailable(
            "The pages' scripts and styles are not built: run `python frontend/build.py`.", code="web.unbuilt"
        )
    names: dict[str, str] = json.loads(manifest.read_text())
    return names
