"""Live news: who hears what, and what is made good after an absence."""

from __future__ import annotations

from tenfold.services.hub import KEPT, Hub, News


def test_everybody_hears_in_order_until_they_leave() -> None:
    hub = Hub()
    first: list[News] = []
    second: list[News] = []
    assert hub.listen(first.append) == []
    hub.publish("a", {"n": 1})
    hub.listen(second.append)
    hub.publish("b", {"n": 2})
    hub.leave(first.append)
    hub.leave(first.append)
    hub.publish("c", {"n": 3})
    assert [news.name for news in first] == ["a", "b"]
    assert [news.name for news in second] == ["b", "c"]


def test_what_was_missed_comes_first_and_once() -> None:
    hub = Hub()
    heard: list[News] = []
    hub.listen(heard.append)
    for number in range(5):
        hub.publish("n", {"number": number})
    missed = hub.listen(lambda _news: None, after=heard[1].id)
    assert missed is not None
    assert [news.data["number"] for news in missed] == [2, 3, 4]
    assert hub.listen(lambda _news: None, after=heard[-1].id) == []


def test_who_was_not_yet_there_names_the_place_from_which_it_wants_to_hear() -> None:
    hub = Hub()
    first = hub.place
    hub.publish("a", {"n": 1})
    second = hub.place
    hub.publish("b", {"n": 2})
    missed = [hub.listen(lambda _news: None, after=place) for place in (first, second, hub.place)]
    assert [[news.name for news in each or []] for each in missed] == [["a", "b"], ["b"], []]


def test_a_listener_of_another_life_has_to_start_anew() -> None:
    old, new = Hub(), Hub()
    heard: list[News] = []
    old.listen(heard.append)
    old.publish("a", {})
    assert new.listen(lambda _news: None, after=heard[0].id) is None


def test_ids_that_nobody_gave_start_anew() -> None:
    hub = Hub()
    heard: list[News] = []
    hub.listen(heard.append)
    hub.publish("a", {})
    life = heard[0].id.partition("-")[0]
    for after in ("x", f"{life}-", f"{life}-2", f"{life}--1", f"{life}-1.5", "-1"):
        assert hub.listen(lambda _news: None, after=after) is None, after


def test_who_was_away_too_long_starts_anew() -> None:
    hub = Hub()
    heard: list[News] = []
    hub.listen(heard.append)
    for number in range(KEPT + 5):
        hub.publish("n", {"number": number})
    assert hub.listen(lambda _news: None, after=heard[3].id) is None
    missed = hub.listen(lambda _news: None, after=heard[4].id)
    assert missed is not None
    assert len(missed) == KEPT
    assert missed[0].data["number"] == 5
