"""Class folders that a web server shows as pages of links, as Apache and nginx make them of a folder."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import quote, unquote, urljoin, urlsplit

from tenfold.adapters.sources.class_folders import ClassLevel, Level, find_class_level, judge
from tenfold.adapters.sources.guarded_http import PAGE, PICTURE, GuardedHttp
from tenfold.core.datasets.layouts import PICTURE_FILES
from tenfold.core.datasets.ports import Find, Note, ShouldStop, never
from tenfold.core.errors import BadDataset, BadImage, Forbidden, NotFound, TooLarge, Unavailable

PARALLEL_READS = 16
MAX_PAGES = 10_000
MAX_DEPTH = 16


class WebIndex:
    """Fulfils `SampleSource` over the links below one address; nothing above or beside it is asked for."""

    parallel_reads = PARALLEL_READS
    files: None = None

    def __init__(self, http: GuardedHttp, url: str) -> None:
        self._http = http
        self._base = url if url.endswith("/") else f"{url}/"
        self._pages = 0

    def finds(self, *, use_splits: bool = True, should_stop: ShouldStop = never) -> Iterator[Find]:
        self._pages = 0
        level = find_class_level(self._look)
        if level.folder:
            yield Note(f"Classes are read from the folder {level.folder.rstrip('/')}.")
        waiting = [level.folder]
        while waiting and not should_stop():
            folder = waiting.pop()
            links = self._links(folder)
            if folder.count("/") < MAX_DEPTH:
                waiting.extend(folder + name for name in reversed(links) if name.endswith("/"))
            yield from (self._judged(folder + name, level, use_splits) for name in links if not name.endswith("/"))

    def read(self, path: str) -> bytes:
        return read_picture(self._http, urljoin(self._base, _quoted(path)))

    def _judged(self, path: str, level: ClassLevel, use_splits: bool) -> Find:
        return judge(path, level, size_bytes=None, use_splits=use_splits, most_bytes=PICTURE.max_bytes)

    def _look(self, folder: str) -> Level:
        links = self._links(folder)
        folders = tuple(name.rstrip("/") for name in links if name.endswith("/"))
        return Level(folders, any(name.casefold().endswith(PICTURE_FILES) for name in links))

    def _links(self, folder: str) -> list[str]:
        """The names that the page of a folder links to, those of folders with `/`, sorted."""
        self._pages += 1
        if self._pages > MAX_PAGES:
            raise BadDataset(
                f"The index has over {MAX_PAGES:,} pages: import its folders one by one.", code="url.pages"
            )
        address = urljoin(self._base, _quoted(folder))
        with self._http.opened(address, PAGE) as answer:
            if answer.content_type != "text/html":
                raise BadDataset(f"{address} is {answer.content_type} and no page of links.", code="url.no-index")
            parser = _Links()
            parser.feed(b"".join(answer.blocks).decode("utf-8", "replace"))
            page = answer.url
        if not page.startswith(self._base):
            raise Forbidden(f"{address} leads away from {self._base}.", code="url.redirects")
        names = (_name_below(page, link) for link in parser.found)
        return sorted({name for name in names if name})


class _Links(HTMLParser):
    """The targets of links."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attributes if tag == "a" and name == "href" and value]


def read_picture(http: GuardedHttp, url: str) -> bytes:
    """The bytes of a picture; raises `BadImage` for what is wrong with it alone, `Unavailable` when nobody answers."""
    try:
        return http.read(url, PICTURE)
    except NotFound:
        raise BadImage("There is no such picture at this address.", code="file.vanished") from None
    except (Forbidden, BadDataset) as error:
        raise BadImage(error.message, code=error.code) from None
    except TooLarge as error:
        raise BadImage(error.message, code="file.too-large") from None
    except Unavailable as error:
        raise BadImage(error.message, code="file.unreadable") from None


def _name_below(page: str, link: str) -> str:
    """What a link calls a thing directly below its page; empty for all else, as sorting links and the way up."""
    try:
        target = urlsplit(urljoin(page, link))
        base = urlsplit(page)
    except ValueError:
        return ""
    if (target.scheme, target.netloc, target.query) != (base.scheme, base.netloc, ""):
        return ""
    if not target.path.startswith(base.path) or target.path == base.path:
        return ""
    name = unquote(target.path[len(base.path) :])
    return name if "/" not in name.rstrip("/") and name.strip("/") not in {"", ".", ".."} else ""


def _quoted(path: str) -> str:
    return quote(path, safe="/")
