"""The embedded queue: whole messages, each taken once."""

import multiprocessing
import os
from pathlib import Path
from queue import Empty

import pytest
from kombu import Connection

from onboarding.celery import app, waiting
from onboarding.queue_transport import ALIAS, register

PRODUCERS, MESSAGES, CONSUMERS = 4, 500, 2
IDLE = 5.0
"""Seconds without a message after which a consumer ends: far more than a producer pauses."""


def connect(folder: Path) -> Connection:
    register()
    options = {"queue_folder": str(folder), "polling_interval": 0.01}
    return Connection(f"{ALIAS}://localhost", transport_options=options)


def produce(folder: Path, producer: int) -> None:
    with connect(folder) as connection, connection.SimpleQueue("jobs") as queue:
        for number in range(MESSAGES):
            # Several pages long, so that a write in place could be seen half done.
            queue.put({"producer": producer, "number": number, "ballast": "x" * 20_000})


def consume(folder: Path, taken: "multiprocessing.Queue[tuple[int, int]]") -> None:
    with connect(folder) as connection, connection.SimpleQueue("jobs") as queue:
        while True:
            try:
                message = queue.get(timeout=IDLE)
            except Empty:
                return
            taken.put((message.payload["producer"], message.payload["number"]))
            message.ack()


def test_every_message_of_several_producers_reaches_exactly_one_of_several_consumers(tmp_path: Path) -> None:
    processes = multiprocessing.get_context("spawn")
    taken = processes.Queue()
    workers = [processes.Process(target=produce, args=(tmp_path, number)) for number in range(PRODUCERS)]
    workers += [processes.Process(target=consume, args=(tmp_path, taken)) for _ in range(CONSUMERS)]
    for worker in workers:
        worker.start()
    seen = [taken.get(timeout=60) for _ in range(PRODUCERS * MESSAGES)]
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * len(workers)
    assert taken.empty()
    assert sorted(seen) == [(producer, number) for producer in range(PRODUCERS) for number in range(MESSAGES)]
    assert not list((tmp_path / "messages" / "jobs").iterdir())


def test_messages_of_one_producer_come_in_the_order_they_were_put(tmp_path: Path) -> None:
    with connect(tmp_path) as connection, connection.SimpleQueue("jobs") as queue:
        for number in range(30):
            queue.put(number)
        order = []
        for _ in range(30):
            message = queue.get(timeout=1)
            order.append(message.payload)
            message.ack()
    assert order == list(range(30))


def test_a_consumer_takes_nothing_from_another_queue(tmp_path: Path) -> None:
    with (
        connect(tmp_path) as connection,
        connection.SimpleQueue("jobs") as jobs,
        connection.SimpleQueue("others") as others,
    ):
        others.put("for the others")
        with pytest.raises(Empty):
            jobs.get(timeout=0.2)
        message = others.get(timeout=1)
        message.ack()
    assert message.payload == "for the others"


def test_a_message_is_invisible_until_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[list[Path], int]] = []
    rename = Path.rename

    def watched(self: Path, target: Path) -> Path:
        if target.parent.parent.name == "messages":
            seen.append((list(target.parent.iterdir()), self.stat().st_size))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", watched)
    with connect(tmp_path) as connection, connection.SimpleQueue("jobs") as queue:
        queue.put("x" * 50_000)
    [(visible_before, size_of_draft)] = seen
    assert visible_before == []
    assert size_of_draft > 50_000


def test_a_purged_queue_is_empty_and_the_others_keep_theirs(tmp_path: Path) -> None:
    with (
        connect(tmp_path) as connection,
        connection.SimpleQueue("jobs") as jobs,
        connection.SimpleQueue("others") as others,
    ):
        for number in range(3):
            jobs.put(number)
        others.put("kept")
        assert (jobs.qsize(), others.qsize()) == (3, 1)
        assert jobs.clear() == 3
        assert (jobs.qsize(), others.qsize()) == (0, 1)


def test_a_long_queue_is_listed_once_for_many_messages_and_not_at_all_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[str] = []
    listdir = os.listdir

    def watched(path: Path) -> list[str]:
        listed.append(path.name)
        return listdir(path)

    monkeypatch.setattr("onboarding.queue_transport.BATCH", 20)
    monkeypatch.setattr("onboarding.queue_transport.os.listdir", watched)
    with connect(tmp_path) as connection:
        channel = connection.channel()
        for number in range(40):
            channel._put("long", {"number": number})
        assert [channel._get("long")["number"] for _ in range(40)] == list(range(40))
        assert listed == ["long"] * 2
        channel._put("short", {"number": 0})
        assert channel._get("short") == {"number": 0}
        assert listed == ["long"] * 2 + ["short"]


def test_messages_survive_that_the_folder_was_emptied_under_a_running_sender(tmp_path: Path) -> None:
    with connect(tmp_path) as connection, connection.SimpleQueue("jobs") as queue:
        queue.put("before")
        for file in (tmp_path / "messages" / "jobs").iterdir():
            file.unlink()
        queue.put("after")
        message = queue.get(timeout=1)
        message.ack()
    assert message.payload == "after"


def test_a_folder_that_cannot_be_made_is_an_error_at_once(tmp_path: Path) -> None:
    (tmp_path / "queue").write_text("a file stands where the folder should be")
    with connect(tmp_path / "queue") as connection, pytest.raises(OSError, match="queue"):
        connection.ensure_connection(max_retries=1)


def test_what_waits_in_a_queue_is_counted_for_that_queue_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "connection_for_write", lambda: connect(tmp_path))
    with connect(tmp_path) as connection, connection.SimpleQueue("jobs") as queue:
        for number in range(3):
            queue.put(number)
        assert (waiting("jobs"), waiting("others")) == (3, 0)


def test_a_queue_that_is_down_counts_as_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "connection_for_write", lambda: Connection("redis://127.0.0.1:1/0"))
    assert waiting("jobs") == 0
