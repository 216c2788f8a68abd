"""Several processes over gloo, forked from the tests: quick, since nothing is imported again."""

import multiprocessing
import os
import signal
import socket
import traceback

import torch
import torch._dynamo  # DDP wants it, and each process would import it anew

from seq2seq.errors import Seq2SeqError
from seq2seq.training.parallel import joined
from seq2seq.training.torchrun import TIMEOUT

KILLED = "killed"


def in_processes(size, work, *, seconds=20, starting=None, answering=None):
    """What `work(processes)` gave in each of them, by rank: its value, its Seq2SeqError, or KILLED.

    Only the first `starting` are started, and only the first `answering` waited for.
    """
    context = multiprocessing.get_context("fork")
    port, pipes, started = free_port(), [], []
    for rank in range(size if starting is None else starting):
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=_run, args=(work, rank, size, port, seconds, there), daemon=True)
        process.start()
        there.close()
        pipes.append(here)
        started.append(process)
    try:
        return [_received(pipe) for pipe in pipes[:answering]]
    finally:
        for process in started:
            process.kill()
            process.join()


def _run(work, rank, size, port, seconds, pipe):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    torch.set_num_threads(1)
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    os.environ[TIMEOUT] = str(seconds)
    try:
        with joined() as processes:
            found = work(processes)
        pipe.send(found)
    except Seq2SeqError as error:
        pipe.send(error)
    except BaseException:
        pipe.send(AssertionError(traceback.format_exc()))
        raise


def _received(pipe):
    if not pipe.poll(120):
        raise AssertionError("a process hangs")
    try:
        found = pipe.recv()
    except EOFError:
        return KILLED
    if isinstance(found, AssertionError):
        raise found
    return found


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
