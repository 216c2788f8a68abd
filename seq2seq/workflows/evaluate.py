"""Scoring runs on test sets.

Translations of a recipe's splits are kept in the run folder under a key of all that they depend on: the model, the
search and the text. As long as that is the same nothing is translated twice, however runs are compared later.
"""

import hashlib
import json
import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import sacrebleu

from seq2seq import __version__
from seq2seq.config import parse
from seq2seq.errors import CheckpointError
from seq2seq.evaluation.metrics import score_translations
from seq2seq.evaluation.pronouns import pronoun_accuracy
from seq2seq.files import RunFolder, replacing, write_text
from seq2seq.loading import find_run
from seq2seq.search.limits import SearchConfig
from seq2seq.translation import Translation, Translator
from seq2seq.workflows.recipe import Recipe, load_recipe
from seq2seq.workflows.testsets import TestSet, TestSets

Row = dict[str, Any]
Shown = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]

FORMAT = 1  # of what is kept

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class EvaluateOptions:
    """What to score, and how to translate for it; what is None is as each run's recipe has it."""

    runs: tuple[Path, ...]
    splits: tuple[str, ...] = ()  # none: the recipe's data.tests
    files: tuple[Path, Path] | None = None  # source and reference, instead of splits
    beam_size: int | None = None
    length_penalty: float | None = None
    device: str = "auto"
    precision: str = "fp32"
    batch_tokens: int = 4096  # source tokens x beam

    def search(self, recipe: Recipe) -> SearchConfig:
        """The recipe's search with what is asked for otherwise. Raises ConfigError."""
        given = {"beam_size": self.beam_size, "length_penalty": self.length_penalty}
        changes = {key: value for key, value in given.items() if value is not None}
        return parse(SearchConfig, {**recipe.search.model_dump(), **changes}, "search")


@dataclass(frozen=True)
class Evaluation:
    """A run on a test set: the translations, and what is reported of them."""

    test: TestSet
    hypotheses: tuple[str, ...]
    row: Row


def evaluate(options: EvaluateOptions, shown: Shown | None = None) -> list[Evaluation]:
    """Every run on each of its test sets; `shown` is asked to show how far a translation is."""
    evaluators = [_Evaluator(find_run(run), options, shown or _nowhere) for run in options.runs]
    sets = TestSets()
    # All texts before the first model: a mistake in a name should not cost a translation.
    work = [(evaluator, test) for evaluator in evaluators for test in evaluator.tests(sets)]
    return [evaluator.evaluation(test) for evaluator, test in work]


class _Evaluator:
    """Evaluates one run; its model is loaded when something has to be translated."""

    def __init__(self, folder: RunFolder, options: EvaluateOptions, shown: Shown) -> None:
        self.folder, self.options, self.shown = folder, options, shown
        self.recipe = load_recipe(folder.recipe)
        self.search = options.search(self.recipe)
        self.fingerprints = {path.name: sha256(path) for path in (folder.model, folder.tokenizer / "tokenizer.json")}
        self.translator: Translator | None = None
        if not folder.summary.exists():
            logger.warning("%s: its training is unfinished; this is its best model so far", folder.root)

    def tests(self, sets: TestSets) -> list[TestSet]:
        if self.options.files is not None:
            return [sets.files(*self.options.files)]
        data = self.recipe.data
        return [sets.split(data, name) for name in self.options.splits or data.tests]

    def evaluation(self, test: TestSet) -> Evaluation:
        """From the run folder where it is there under the same key, else made and kept there."""
        if not test.in_recipe:
            return self._made(test)
        report, text = (self.folder.evaluations / f"{self._name(test)}.{ending}" for ending in ("json", "hyp"))
        kept = self._kept(test, report, text)
        if kept is None:
            kept = self._made(test)
            with replacing(text) as temporary:
                temporary.write_text("".join(f"{line}\n" for line in kept.hypotheses), encoding="utf-8", newline="\n")
            write_text(report, json.dumps({"key": self._key(test), **kept.row}, indent=2, ensure_ascii=False) + "\n")
        return kept

    def _kept(self, test: TestSet, report: Path, text: Path) -> Evaluation | None:
        try:
            row: Row = json.loads(report.read_bytes())
            hypotheses = tuple(text.read_bytes().decode("utf-8").split("\n")[:-1])
        except (OSError, ValueError):
            return None  # not there, or not whole: it is made anew
        if row.pop("key", None) != self._key(test) or len(hypotheses) != len(test.examples):
            return None
        logger.info("%s: %s: translated before", self.folder.root, test.name)
        return Evaluation(test, hypotheses, {**row, "run": str(self.folder.root)})

    def _made(self, test: TestSet) -> Evaluation:
        if self.translator is None:
            options = self.options
            self.translator = Translator.load(self.folder.root, device=options.device, precision=options.precision)
        with self.shown(f"{self.folder.root} {test.name}", len(test.examples)) as progress:
            began = time.perf_counter()
            translations = self.translator.translate_detailed(
                test.sources,
                beam_size=self.search.beam_size,
                length_penalty=self.search.length_penalty,
                batch_tokens=self.options.batch_tokens,
                progress=progress,
            )
            seconds = time.perf_counter() - began
        row = {"run": str(self.folder.root), "split": test.name, **scores_of(test, translations)}
        row |= self._how(seconds, len(translations))
        return Evaluation(test, tuple(translation.text for translation in translations), row)

    def _how(self, seconds: float, sentences: int) -> Row:
        return {
            "beam_size": self.search.beam_size,
            "length_penalty": self.search.length_penalty,
            "precision": self.options.precision,
            "device": str(self.translator.device) if self.translator else None,
            "model_sha256": self.fingerprints[self.folder.model.name],
            "seconds": round(seconds, 3),  # of translating: loading the model and scoring not counted
            "sentences_per_second": round(sentences / seconds, 2),
        }

    def _name(self, test: TestSet) -> str:
        """The split, and whatever of the search is not as in the recipe."""
        usual, now = self.recipe.search, self.search
        parts = [f"beam{now.beam_size}"] if now.beam_size != usual.beam_size else []
        parts += [f"penalty{now.length_penalty}"] if now.length_penalty != usual.length_penalty else []
        parts += [self.options.precision] if self.options.precision != "fp32" else []
        return ".".join([test.name, *parts])

    def _key(self, test: TestSet) -> str:
        """Of all that a result depends on; only the device is left out, whose rounding is not worth a translation."""
        parts = {
            "format": FORMAT,
            "files": self.fingerprints,
            "search": self.search.model_dump(),
            "precision": self.options.precision,
            "text": test.digest,
            "versions": [__version__, sacrebleu.__version__],
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def scores_of(test: TestSet, translations: list[Translation]) -> Row:
    """All scores of the translations of a test set."""
    hypotheses = [translation.text for translation in translations]
    row: Row = asdict(score_translations(hypotheses, test.references))
    row["cut_at_limit"] = sum(not translation.n_best[0].ended for translation in translations)
    row["pronouns"] = None
    if test.has_probes:
        report = pronoun_accuracy(hypotheses, test.examples)
        row["pronouns"] = {"accuracy": report.accuracy, **asdict(report)}
    return row


def sha256(path: Path) -> str:
    """The checksum of a file of a run; raises CheckpointError when it cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror}); copy the run folder again") from None


def _nowhere(what: str, total: int | None) -> AbstractContextManager[Callable[[int], None]]:  # noqa: ARG001
    return nullcontext(lambda _: None)
