"""What lists take: filter, search, order, page."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request

from tenfold.core import repository
from tenfold.core.datasets.filtering import SampleFilter
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


def sample_filter(request: Request) -> SampleFilter:
    """The samples that the address asks for; what is empty in it counts as not given."""
    asked = request.query_params
    return parse_spec(SampleFilter, {each.name: asked[each.name] for each in FILTER_FIELDS if asked.get(each.name)})


SampleQuery = Annotated[SampleFilter, Depends(sample_filter)]
