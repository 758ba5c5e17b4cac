"""One does the work of all who come meanwhile, and nothing that anybody brought is overlooked."""

from __future__ import annotations

import threading
from collections.abc import Collection

import pytest

from tickets.routing.gathering import Gathering


def test_who_comes_while_it_is_done_leaves_what_they_bring_and_goes() -> None:
    begun, go_on = threading.Event(), threading.Event()
    done: list[set[int]] = []

    def act(things: Collection[int]) -> None:
        done.append(set(things))
        begun.set()
        assert go_on.wait(60)

    gathering = Gathering(act)
    first = threading.Thread(target=gathering.bring, args=([1],))
    first.start()
    assert begun.wait(60)
    for number in (2, 3, 2):
        gathering.bring([number])  # returns although the first is still at work
    assert done == [{1}]
    go_on.set()
    first.join(60)
    assert done == [{1}, {2, 3}]
    gathering.bring([4])
    assert done[-1] == {4}


def test_what_the_work_itself_brings_about_is_done_after_it() -> None:
    done: list[set[int]] = []

    def act(things: Collection[int]) -> None:
        done.append(set(things))
        if 1 in things:
            gathering.bring([2])
            assert len(done) == 1, "not inside the work that brought it"

    gathering = Gathering(act)
    gathering.bring([1])
    assert done == [{1}, {2}]


def test_work_that_failed_blocks_nobody() -> None:
    done: list[set[int]] = []

    def act(things: Collection[int]) -> None:
        if 1 in things:
            gathering.bring([2])
            raise ConnectionError
        done.append(set(things))

    gathering = Gathering(act)
    with pytest.raises(ConnectionError):
        gathering.bring([1])
    gathering.bring([3])
    assert done == [{2, 3}]


def test_of_many_at_once_nothing_is_lost_and_only_one_works_at_a_time() -> None:
    at_work, seen = threading.Lock(), list[int]()

    def act(things: Collection[int]) -> None:
        assert at_work.acquire(blocking=False), "two at once"
        seen.extend(things)
        at_work.release()

    gathering = Gathering(act)
    threads = [
        threading.Thread(target=lambda start=start: [gathering.bring([n]) for n in range(start, 2_000, 8)])
        for start in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(seen) == list(range(2_000))
