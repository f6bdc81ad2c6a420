"""Requests that only read go one after the other, but nobody waits for long."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Lock
from typing import Any

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Response

from app.turns import Turns


class Counting:
    """Notes how many requests ran at once."""

    def __init__(self) -> None:
        self.guard, self.running, self.most = Lock(), 0, 0

    def answer(self, environ: Any, start_response: Any) -> Any:
        """Answer after five milliseconds."""
        with self.guard:
            self.running += 1
            self.most = max(self.most, self.running)
        Event().wait(0.005)
        with self.guard:
            self.running -= 1
        return Response("done")(environ, start_response)


def test_eight_reads_at_once_run_one_after_the_other() -> None:
    counting = Counting()
    web = Turns(counting.answer, patience=30)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: Client(web).get("/").text, range(24)))
    assert answers == ["done"] * 24
    assert counting.most == 1


def test_a_slow_read_holds_up_nobody_for_longer_than_patience() -> None:
    go_on = Event()

    def slow(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/slow":
            assert go_on.wait(30)
        return Response(environ["PATH_INFO"])(environ, start_response)

    web = Turns(slow, patience=0.01)
    with ThreadPoolExecutor(1) as threads:
        sheet = threads.submit(lambda: Client(web).get("/slow").text)
        assert Client(web).get("/quick").text == "/quick"
        go_on.set()
        assert sheet.result(30) == "/slow"
    assert Client(web).get("/after").text == "/after"


def test_requests_that_write_take_no_turn() -> None:
    both = Barrier(2, timeout=30)

    def meeting(environ: Any, start_response: Any) -> Any:
        both.wait()  # neither goes on before the other has come in
        return Response("met")(environ, start_response)

    web = Turns(meeting, patience=30)
    with ThreadPoolExecutor(2) as threads:
        posted = list(threads.map(lambda _: Client(web).post("/").text, range(2)))
    assert posted == ["met", "met"]


def test_a_turn_is_given_back_when_a_read_breaks() -> None:
    def breaking(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/broken":
            raise RuntimeError("broken")
        return Response("fine")(environ, start_response)

    web = Turns(breaking, patience=30)
    with pytest.raises(RuntimeError, match="broken"):
        Client(web).get("/broken")
    assert Client(web).get("/").text == "fine"
