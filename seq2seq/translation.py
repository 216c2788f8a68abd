"""Text in, text out: a trained run as a translator.

Lines are sorted by length into batches of a token budget and come back in the order in which they were given.
A line's translation does not depend on the lines around it. Blank lines stay blank and never reach the model.
"""

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import torch

from seq2seq.config import parse
from seq2seq.data.batches import collate, collate_source
from seq2seq.data.tokenizer import TokenizerPair
from seq2seq.errors import CheckpointError, ConfigError, DataError
from seq2seq.loading import load_model, load_run
from seq2seq.models.interface import EncoderDecoder
from seq2seq.search.beam import search
from seq2seq.search.forced import forced_scores
from seq2seq.search.hypothesis import Hypothesis
from seq2seq.search.limits import SearchConfig

__all__ = ["Candidate", "PairScore", "Translation", "Translator", "load_model"]

Progress = Callable[[int], None]

BATCH_TOKENS = 4096  # source tokens x beam size, padding among them
WINDOW = 4096  # lines
_PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}

logger = logging.getLogger(__name__)


class Candidate(NamedTuple):
    """One of the translations of a line."""

    text: str
    tokens: tuple[str, ...]
    score: float
    """Log-probability over the length penalty: what candidates are ranked by."""
    log_probability: float
    """Nats, the end marker among the tokens."""
    ended: bool
    """False: the search cut it at its limit."""


@dataclass(frozen=True)
class Translation:
    """What became of a line; its own `text`, `tokens` and scores are those of the best candidate."""

    n_best: tuple[Candidate, ...]
    """Best first; fewer than asked for where the search found fewer."""

    @property
    def text(self) -> str:
        return self.n_best[0].text

    @property
    def tokens(self) -> tuple[str, ...]:
        return self.n_best[0].tokens

    @property
    def score(self) -> float:
        return self.n_best[0].score

    @property
    def log_probability(self) -> float:
        return self.n_best[0].log_probability


class PairScore(NamedTuple):
    """How likely a model finds a given translation."""

    log_probability: float  # nats
    tokens: int  # the end marker among them


BLANK = Translation((Candidate("", (), 0.0, 0.0, ended=True),))


class Translator:
    """A trained model with its tokenizers and the search it was evaluated with."""

    def __init__(
        self,
        model: EncoderDecoder[Any],
        tokenizers: TokenizerPair,
        search_config: SearchConfig,
        *,
        longest_source: int | None = None,
        name: str = "model",
    ) -> None:
        self.model = model.eval()
        self.tokenizers = tokenizers
        self.search_config = search_config
        self.longest_source = longest_source
        """Tokens, without the end marker, of the longest source in training; None: not known."""
        self.name = name
        """For messages."""
        self.long_lines = 0
        """Lines so far that were longer than that."""

    @classmethod
    def load(cls, run: str | Path, *, device: str = "auto", precision: str = "fp32") -> "Translator":
        """The translator in a run folder. Raises CheckpointError where there is none, ConfigError for `device`."""
        if precision not in _PRECISIONS:
            raise ConfigError(f"precision: must be one of {', '.join(_PRECISIONS)}, not {precision!r}")
        found = load_run(run, device, _PRECISIONS[precision])
        return cls(
            found.model,
            found.tokenizers,
            found.search_config,
            longest_source=found.longest_source,
            name=str(found.folder.root),
        )

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    def translate(
        self,
        lines: Sequence[str],
        *,
        beam_size: int | None = None,
        length_penalty: float | None = None,
        batch_tokens: int = BATCH_TOKENS,
        progress: Progress | None = None,
    ) -> list[str]:
        """The best translation of each line, one line each. See `stream`."""
        found = self.translate_detailed(
            lines, beam_size=beam_size, length_penalty=length_penalty, batch_tokens=batch_tokens, progress=progress
        )
        return [translation.text for translation in found]

    def translate_detailed(
        self,
        lines: Sequence[str],
        *,
        n_best: int = 1,
        beam_size: int | None = None,
        length_penalty: float | None = None,
        batch_tokens: int = BATCH_TOKENS,
        progress: Progress | None = None,
    ) -> list[Translation]:
        """The translation of each line with scores, tokens and its `n_best` candidates. See `stream`."""
        if isinstance(lines, str):
            raise TypeError("lines must be a sequence of strings, not one string")
        everything = self.stream(
            lines,
            window=max(len(lines), 1),
            n_best=n_best,
            beam_size=beam_size,
            length_penalty=length_penalty,
            batch_tokens=batch_tokens,
            progress=progress,
        )
        return list(everything)

    def stream(  # noqa: PLR0913 - the settings are independent of each other
        self,
        lines: Iterable[str],
        *,
        window: int = WINDOW,
        n_best: int = 1,
        beam_size: int | None = None,
        length_penalty: float | None = None,
        batch_tokens: int = BATCH_TOKENS,
        progress: Progress | None = None,
    ) -> Iterator[Translation]:
        """Translations in the order of `lines`, of which no more than `window` are held at a time.

        A batch has at most `batch_tokens` source tokens times beams; a line that alone has more makes a batch
        of its own, uncut. `progress` is told of every batch how many lines it had. Settings that are left out
        are the run's. Raises ConfigError for settings that cannot be, before the first line is read.
        """
        config = self._configured(beam_size, length_penalty, n_best)
        _check_positive("batch_tokens", batch_tokens)
        _check_positive("window", window)
        return self._stream(iter(lines), window, _Options(config, n_best, batch_tokens, progress or _nobody))

    def score(
        self, sources: Sequence[str], targets: Sequence[str], *, batch_tokens: int = BATCH_TOKENS
    ) -> list[PairScore]:
        """How likely each target is as the translation of its source, in their order."""
        if len(sources) != len(targets):
            raise DataError(f"score: {len(sources)} sources do not fit {len(targets)} targets; give one line for each")
        _check_positive("batch_tokens", batch_tokens)
        read = [self.tokenizers.source.encode(_bare(line)) for line in sources]
        said = [self.tokenizers.target.encode(_bare(line)) for line in targets]
        lengths = [max(map(len, pair)) for pair in zip(read, said, strict=True)]
        found = [PairScore(0.0, 0)] * len(lengths)
        for rows in batches_by_length(lengths, batch_tokens):
            batch = collate([read[row] for row in rows], [said[row] for row in rows], rows).to(self.device)
            scored = forced_scores(self.model, batch.source, batch.source_mask, batch.target)
            pairs = zip(scored.log_probabilities.tolist(), scored.token_counts.tolist(), strict=True)
            for row, (log_probability, tokens) in zip(rows, pairs, strict=True):
                found[row] = PairScore(log_probability, tokens)
        return found

    def _configured(self, beam_size: int | None, length_penalty: float | None, n_best: int) -> SearchConfig:
        given = {"beam_size": beam_size, "length_penalty": length_penalty}
        changes = {key: value for key, value in given.items() if value is not None}
        config: SearchConfig = parse(SearchConfig, {**self.search_config.model_dump(), **changes}, "search")
        if not 1 <= n_best <= config.beam_size:
            raise ConfigError(f"search: n_best must be from 1 to the beam size {config.beam_size}, not {n_best}")
        return config

    def _stream(self, lines: Iterator[str], window: int, options: "_Options") -> Iterator[Translation]:
        long_before = self.long_lines
        try:
            while held := list(islice(lines, window)):
                yield from self._translated(held, options)
        finally:
            if long := self.long_lines - long_before:
                logger.warning(
                    "%d lines have more than %d tokens, the most that %s was trained with;"
                    " their translations may be poor",
                    long,
                    self.longest_source,
                    self.name,
                )

    def _translated(self, lines: Sequence[str], options: "_Options") -> list[Translation]:
        read = [self.tokenizers.source.encode(line) if (line := _bare(text)).strip() else [] for text in lines]
        if self.longest_source is not None:
            self.long_lines += sum(len(ids) > self.longest_source for ids in read)
        found = [BLANK] * len(read)
        with_text = [row for row, ids in enumerate(read) if ids]
        options.progress(len(read) - len(with_text))
        budget = options.batch_tokens // options.config.beam_size
        for batch in batches_by_length([len(read[row]) for row in with_text], budget):
            rows = [with_text[place] for place in batch]
            searched = self._searched([read[row] for row in rows], options)
            for row, hypotheses in zip(rows, searched, strict=True):
                found[row] = self._written(hypotheses[: options.n_best])
            options.progress(len(rows))
        return found

    def _searched(self, sources: Sequence[Sequence[int]], options: "_Options") -> list[list[Hypothesis]]:
        source, source_mask = (tensor.to(self.device) for tensor in collate_source(sources))
        try:
            return search(self.model, source, source_mask, options.config)
        except torch.OutOfMemoryError:
            raise ConfigError(
                f"batch_tokens: {len(sources)} lines of {source.size(1)} tokens need more memory than {self.device}"
                f" has left; use less than {options.batch_tokens}, or a smaller beam"
            ) from None

    def _written(self, hypotheses: Sequence[Hypothesis]) -> Translation:
        if not hypotheses or not all(math.isfinite(hypothesis.score) for hypothesis in hypotheses):
            raise CheckpointError(f"{self.name}: the model's scores are not numbers; train it again, at a lower rate")
        return Translation(tuple(map(self._candidate, hypotheses)))

    def _candidate(self, found: Hypothesis) -> Candidate:
        target = self.tokenizers.target
        # A byte or character model may write line breaks, and one line must stay one.
        text = " ".join(target.decode(found.tokens).splitlines())
        return Candidate(text, tuple(target.pieces(found.tokens)), found.score, found.log_probability, found.ended)


class _Options(NamedTuple):
    config: SearchConfig
    n_best: int
    batch_tokens: int
    progress: Progress


def batches_by_length(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Indices of rows, the longest first, in batches whose padded rows have at most `budget` tokens.

    Markers count; a row that is longer than the budget makes a batch of its own.
    """
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: -lengths[row]):
        if batch and (len(batch) + 1) * (lengths[batch[0]] + 1) > budget:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _bare(line: str) -> str:
    """The line without the line break that reading a file leaves at its end."""
    return line.rstrip("\r\n")


def _check_positive(name: str, value: int) -> None:
    if value < 1:
        raise ConfigError(f"{name}: must be at least 1, not {value}")


def _nobody(lines: int) -> None:
    """Tell nobody of progress."""
