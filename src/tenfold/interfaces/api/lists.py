"""What lists take: filter, search, order, page."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request

from tenfold.core import repository
from tenfold.core.datasets.filtering import SampleFilter
from tenfold.core.errors import InvalidFields, Problem
from tenfold.core.fields import parse_spec
from tenfold.interfaces.schemas.requests import FILTER_FIELDS


def list_query(
    search: Annotated[str, Query(max_length=200, description="Words in name, note or tags.")] = "",
    sort: Annotated[str, Query(max_length=40, description="Column; a leading `-` turns the order.")] = "-created_at",
    limit: Annotated[int, Query(ge=1, le=repository.MAX_PAGE)] = 50,
    cursor: Annotated[str, Query(max_length=500, description="Where the page before ended.")] = "",
    trashed: Annotated[bool, Query(description="What is in the trash instead.")] = False,
) -> repository.Query:
    """The query that the address asks for."""
    return repository.Query(
        search=search,
        sort=sort.removeprefix("-"),
        descending=sort.startswith("-"),
        limit=limit,
        cursor=cursor,
        trashed=trashed,
    )


ListQuery = Annotated[repository.Query, Depends(list_query)]


_BESIDE_FILTER = ("cursor", "limit", "revision")


def sample_filter(request: Request) -> SampleFilter:
    """The samples that the address asks for; what is empty in it counts as not given, what it has not is refused."""
    asked = request.query_params
    known = [each.name for each in FILTER_FIELDS] + [*_BESIDE_FILTER]
    strange = [name for name in asked if name not in known]
    if strange:
        text = "There is no such filter. There are " + ", ".join(known) + "."
        raise InvalidFields([Problem(name[:40], text, "unknown") for name in strange[:10]])
    return parse_spec(SampleFilter, {each.name: asked[each.name] for each in FILTER_FIELDS if asked.get(each.name)})


SampleQuery = Annotated[SampleFilter, Depends(sample_filter)]
