"""Being asked to stop: once is politely, twice is at once."""

import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from seq2seq.training.trainer import Trainer

logger = logging.getLogger(__name__)


@contextmanager
def stopped_by_signals(trainer: Trainer) -> Iterator[list[int]]:
    """Ctrl-C and SIGTERM end the training after the present update; a second one ends the process as it is.

    Gives the signals received.
    """
    received: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        if received:
            signal.signal(number, signal.SIG_DFL)
            sys.exit(128 + number)
        received.append(number)
        trainer.stopping = True
        logger.warning("stopping after this update; once more to stop at once")

    earlier = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
