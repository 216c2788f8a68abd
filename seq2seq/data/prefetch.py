"""Making the next items of an iterator in a thread while the last one is worked on."""

import threading
from collections.abc import Iterator
from queue import Empty, Full, Queue
from typing import TypeVar

Item = TypeVar("Item")

POLL = 0.1  # seconds between two looks at whether anybody still waits


class _Failure:
    def __init__(self, error: BaseException) -> None:
        self.error = error


class _End: ...


def ahead(items: Iterator[Item], depth: int) -> Iterator[Item]:
    """The same items, up to `depth` of them made before they are asked for.

    An exception comes at its place. The thread ends with the iterator, also when that is given up early.
    """
    queue: Queue[Item | _Failure | _End] = Queue(depth)
    abandoned = threading.Event()
    thread = threading.Thread(target=_fill, args=(items, queue, abandoned), name="batches", daemon=True)
    thread.start()
    try:
        while not isinstance(item := queue.get(), _End):
            if isinstance(item, _Failure):
                raise item.error
            yield item
    finally:
        abandoned.set()
        _drain(queue)
        thread.join()


def _fill(items: Iterator[Item], queue: "Queue[Item | _Failure | _End]", abandoned: threading.Event) -> None:
    try:
        for item in items:
            if not _put(item, queue, abandoned):
                return
        _put(_End(), queue, abandoned)
    except BaseException as error:  # whatever it is, it belongs to the one who waits
        _put(_Failure(error), queue, abandoned)


def _put(item: Item | _Failure | _End, queue: "Queue[Item | _Failure | _End]", abandoned: threading.Event) -> bool:
    while not abandoned.is_set():
        try:
            queue.put(item, timeout=POLL)
        except Full:
            continue
        return True
    return False


def _drain(queue: "Queue[Item]") -> None:
    try:
        while True:
            queue.get_nowait()
    except Empty:
        return
