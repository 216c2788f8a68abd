"""The texts that runs are scored on."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from seq2seq.data.corpus import DataConfig, read_split
from seq2seq.data.example import Example
from seq2seq.data.readers import two_files
from seq2seq.errors import DataError


@dataclass(frozen=True)
class TestSet:
    """Sentences with their references, under a name."""

    __test__ = False  # pytest takes the name for a test's

    name: str
    examples: tuple[Example, ...]
    digest: str
    """Equal for two sets only if they hold the same."""
    in_recipe: bool
    """Whether it is a split of the recipe, not files that were given."""

    @property
    def sources(self) -> list[str]:
        return [example.source for example in self.examples]

    @property
    def references(self) -> list[str]:
        return [example.target for example in self.examples]

    @property
    def has_probes(self) -> bool:
        return any(example.probe for example in self.examples)


def make_test_set(name: str, examples: Iterable[Example], *, in_recipe: bool) -> TestSet:
    """The set of these examples; raises DataError when there are none."""
    examples = tuple(examples)
    if not examples:
        raise DataError(f"{name}: holds no sentences; there is nothing to score")
    fingerprint = hashlib.sha256()
    for example in examples:
        fingerprint.update(repr((example.source, example.target, example.probe)).encode())
    return TestSet(name, examples, fingerprint.hexdigest(), in_recipe)


class TestSets:
    """The test sets of several runs, each read once though runs share it."""

    __test__ = False

    def __init__(self) -> None:
        self._read: dict[object, TestSet] = {}

    def split(self, config: DataConfig, name: str) -> TestSet:
        """A split of the corpus in `config`; raises DataError where there is none of that name."""
        key = (config.model_dump_json(include={"source", "target", "corpus"}), name)
        if key not in self._read:
            self._read[key] = make_test_set(name, read_split(config, name), in_recipe=True)
        return self._read[key]

    def files(self, source: Path, reference: Path) -> TestSet:
        """Line N of one file with line N of the other; raises DataError when one has more lines."""
        key = (source, reference)
        if key not in self._read:
            self._read[key] = make_test_set(source.name, two_files(source, reference), in_recipe=False)
        return self._read[key]
