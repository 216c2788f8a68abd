"""Translating a file or a stream: one line out for each line in, in order.

Lines are those of `seq2seq.data.readers`. Output to a file is whole or not there; output to a stream comes while
the input is still read. Lines of a file whose name ends in .jsonl are JSON: a string, or {"source": text}.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, tee
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from seq2seq.data.readers import decoded, lines
from seq2seq.errors import CheckpointError, DataError
from seq2seq.files import replacing
from seq2seq.translation import Translation, Translator

Form = Literal["text", "scores", "n-best", "json"]
Write = Callable[[str], None]
STDIN = "standard input"


@runtime_checkable
class ByteStream(Protocol):
    """What can be written to: a file, or standard output."""

    def write(self, data: bytes, /) -> int: ...
    def flush(self) -> None: ...


@dataclass(frozen=True)
class TranslateOptions:
    """How to translate; what is None is as the run's recipe has it."""

    run: Path
    beam_size: int | None = None
    length_penalty: float | None = None
    n_best: int = 1
    form: Form = "text"
    device: str = "auto"
    precision: str = "fp32"
    batch_tokens: int = 4096  # source tokens x beam


def load_translator(options: TranslateOptions) -> Translator:
    """The translator of the run; raises CheckpointError or ConfigError."""
    return Translator.load(options.run, device=options.device, precision=options.precision)


def translate_lines(
    translator: Translator,
    sources: Iterable[str],
    write: Write,
    options: TranslateOptions,
    *,
    progress: Callable[[int], None] | None = None,
    first: int = 0,
) -> int:
    """Write what becomes of each source, counting them from `first`, and return how many there were."""
    given, kept = tee(sources)
    found = translator.stream(
        given,
        n_best=options.n_best,
        beam_size=options.beam_size,
        length_penalty=options.length_penalty,
        batch_tokens=options.batch_tokens,
        progress=progress,
    )
    count = 0
    for translation, source in zip(found, kept, strict=False):
        write(written(options.form, first + count, source, translation))
        count += 1
    return count


def written(form: Form, index: int, source: str, translation: Translation) -> str:
    """The line, or for an n-best list the lines, that stand for `translation`, the `index`-th from 0."""
    match form:
        case "text":
            return f"{translation.text}\n"
        case "scores":
            return f"{translation.score:.4f}\t{translation.text}\n"
        case "n-best":
            return "".join(f"{index} ||| {each.text} ||| {each.score:.4f}\n" for each in translation.n_best)
        case "json":
            return json.dumps(_as_object(source, translation), ensure_ascii=False) + "\n"


def _as_object(source: str, translation: Translation) -> dict[str, Any]:
    record: dict[str, Any] = {"source": source, "translation": translation.text}
    record |= {"score": translation.score, "log_probability": translation.log_probability}
    if len(translation.n_best) > 1:
        record["n_best"] = [{"translation": each.text, "score": each.score} for each in translation.n_best]
    return record


def read_file(path: Path) -> Iterator[str]:
    """The sources in a file, whose first line is already read: what is wrong with it is known before a model is."""
    everything = lines(path)
    if ".jsonl" in path.suffixes[-2:]:
        everything = (_source_in(line, f"{path}:{number}") for number, line in enumerate(everything, 1))
    return chain([next(everything)], everything)


def read_stream(stream: Iterable[bytes]) -> Iterator[str]:
    """The sources that come in on standard input."""
    return decoded(stream, STDIN)


def count_lines(path: Path) -> int | None:
    """How many lines a plain file has; None where only reading would tell."""
    if path.suffix == ".gz" or not path.is_file():
        return None
    with path.open("rb") as stream:
        count, last = 0, b"\n"
        while block := stream.read(1 << 20):
            count, last = count + block.count(b"\n"), block[-1:]
    return count + (last != b"\n")


@contextmanager
def output_to(path: Path) -> Iterator[Write]:
    """Writes to a file that is there, whole, when the block ends well; to a device or a pipe at once."""
    path = path.resolve()
    if path.is_dir():
        raise CheckpointError(f"{path}: cannot be written (it is a folder); give the name of a file")
    if path.exists() and not path.is_file():
        with path.open("wb") as stream:
            yield writer(stream)
        return
    with replacing(path) as temporary, temporary.open("wb") as stream:
        yield writer(stream, at_once=False)


def writer(stream: ByteStream, *, at_once: bool = True) -> Write:
    """Writes UTF-8 to `stream`, whatever the locale; `at_once` lets a reader see each line when it is there."""

    def write(text: str) -> None:
        stream.write(text.encode("utf-8"))
        if at_once:
            stream.flush()

    return write


def _source_in(line: str, where: str) -> str:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: not JSON ({error}); there must be a string or an object a line") from None
    text = value.get("source") if isinstance(value, dict) else value
    if not isinstance(text, str):
        raise DataError(f'{where}: must be a string or an object with a text "source", not {line[:60]}')
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(f"{where}: holds half a character at {error.start + 1}; mend the escape") from None
    return text
