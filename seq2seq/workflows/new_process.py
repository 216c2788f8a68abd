"""Work done in a process of its own: what it needs of memory and of time to start is then its own."""

import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from seq2seq.errors import ConfigError, Seq2SeqError


def in_new_process(work: Callable[..., Any], *arguments: Any) -> Any:
    """What `work` returns or raises in a process that has done nothing else, so that its memory is its own."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(sender, work, arguments), daemon=True)
    process.start()
    sender.close()
    try:
        found = receiver.recv()
    except EOFError:
        process.join()
        raise ConfigError(
            f"training: batch_tokens: the measurement died (exit status {process.exitcode}), most likely for lack of"
            " memory; lower it and raise training.accumulate"
        ) from None
    finally:
        process.kill()
        process.join()
    if isinstance(found, Seq2SeqError):
        raise found
    return found


def _send(sender: Connection, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asked is interrupted too, and ends this process
    try:
        sender.send(work(*arguments))
    except Seq2SeqError as error:
        sender.send(error)
