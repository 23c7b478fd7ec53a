"""The first picture of what is to be imported, as it is and as it would be stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response

from tenfold.core.errors import BadImage, NotFound

MAY_CHANGE = {"cache-control": "private, no-cache"}


@dataclass(frozen=True)
class ResizeQuery:
    """The fields of an import that its preview shows."""

    resize: str = ""
    width: str = ""
    height: str = ""
    background: str = ""
    colour: str = ""
    profile: str = ""

    def values(self) -> dict[str, object] | None:
        """What was given; nothing where the picture is shown as it is."""
        given: dict[str, object] = {name: value for name, value in vars(self).items() if value}
        return given if self.resize else None


def shown_picture(show: Callable[[], bytes]) -> Response:
    """The picture as PNG; an empty answer where there is none to show."""
    try:
        content = show()
    except (NotFound, BadImage) as error:
        if error.code in {"folder.no-picture", "image.format"}:
            return Response(status_code=204)
        raise
    return Response(content, media_type="image/png", headers=MAY_CHANGE)
