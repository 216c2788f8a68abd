"""What a run or a recipe is made of: sizes, operations, memory, scores, versions."""

import json
import platform
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple, assert_never

import torch
from torch import nn

from seq2seq import __version__
from seq2seq.data.corpus import read_split
from seq2seq.data.symbols import ByteConfig, ByteTokenizer, CharacterConfig, SentencePieceConfig
from seq2seq.data.tokenizer import TokenizerPair, train_tokenizers
from seq2seq.errors import CheckpointError
from seq2seq.files import RunFolder
from seq2seq.loading import find_run
from seq2seq.training.weights import parameter_count
from seq2seq.workflows.evaluate import sha256
from seq2seq.workflows.flops import FLOPS_A_WEIGHT, flops_per_token
from seq2seq.workflows.recipe import Recipe, load_recipe
from seq2seq.workflows.recipes import untrained_model
from seq2seq.workflows.tables import seconds_as_text

BYTES = 4  # of a float32
COPIES = 4  # in training: weights, gradients, and AdamW's two moments
NOTE = (
    f"FLOPs: forward and backward, {FLOPS_A_WEIGHT} for each weight in a matrix product (Kaplan et al. 2020);"
    " attention scores not counted"
)
SAMPLE = 1000  # pairs from which characters are counted


class Vocabulary(NamedTuple):
    """How many entries each language has, and how that is known."""

    source: int
    target: int
    known: str


@dataclass(frozen=True)
class Info:
    """All that is to be told of `name`."""

    name: str
    recipe: Recipe
    vocabulary: Vocabulary
    parameters: int
    parts: dict[str, int]
    """Parameters of each part; what parts share counts for the first."""
    shared: dict[str, str]
    """A part whose matrix is that of another one: the other one."""
    flops: dict[str, int]
    """Floating-point operations, forward and backward, of a token of the source and of the target."""
    trained: dict[str, Any]
    evaluations: list[dict[str, Any]]
    environment: dict[str, Any]

    @property
    def record(self) -> dict[str, Any]:
        """The same as one JSON object."""
        return {
            "name": self.name,
            "model": self.recipe.model.model_dump(mode="json"),
            "vocabulary": self.vocabulary._asdict(),
            "parameters": self.parameters,
            "parameters_by_part": self.parts,
            "shared": self.shared,
            "flops_per_token": self.flops,
            "weight_bytes": BYTES * self.parameters,
            "training_bytes": COPIES * BYTES * self.parameters,
            "trained": self.trained,
            "evaluations": self.evaluations,
            "environment": self.environment,
            "versions": {"seq2seq": __version__, "torch": torch.__version__, "python": platform.python_version()},
        }

    @property
    def text(self) -> str:
        """The same as lines for people."""
        rows = chain(self._sizes(), self._training(), self._versions())
        return "\n".join([self.name, *(f"  {label + ':':<24}{value}" for label, value in rows), "", NOTE])

    def _sizes(self) -> list[tuple[str, str]]:
        model = self.recipe.model.model_dump(mode="json")
        vocabulary = self.vocabulary
        rows = [
            ("model", model.pop("kind")),
            ("settings", ", ".join(f"{key} {_plain(value)}" for key, value in model.items())),
            ("vocabulary", f"{vocabulary.source:,} source, {vocabulary.target:,} target ({vocabulary.known})"),
            ("parameters", f"{self.parameters:,}"),
        ]
        for part, count in self.parts.items():
            shared = f" + the matrix of the {self.shared[part]}" if part in self.shared else ""
            rows.append((f"  {part}", f"{count:,}{shared}"))
        rows += [(f"FLOPs a {side} token", f"{count:,}") for side, count in self.flops.items()]
        rows += [
            ("memory of the weights", _memory(BYTES * self.parameters)),
            ("  in training", f"{_memory(COPIES * BYTES * self.parameters)} with gradients and AdamW's moments"),
        ]
        return rows

    def _training(self) -> list[tuple[str, str]]:
        rows = [("trained", _training_line(self.trained))] if self.trained else []
        for row in self.evaluations:
            scores = f"BLEU {row['bleu']:.2f}, chrF {row['chrf']:.2f}, TER {row['ter']:.2f}"
            rows.append((row["split"], f"{scores} (beam {row['beam_size']})"))
        return rows

    def _versions(self) -> list[tuple[str, str]]:
        made = [("made with", ", ".join(f"{key} {value}" for key, value in self.environment.items()))]
        here = f"seq2seq {__version__}, torch {torch.__version__}, python {platform.python_version()}"
        return [*(made if self.environment else []), ("here", here)]


def describe(path: Path) -> Info:
    """What is to be told of a run folder or a recipe file. Raises ConfigError, CheckpointError or DataError."""
    if path.is_dir():
        return _of_run(find_run(path))
    recipe = load_recipe(path)
    return _info(str(path), recipe, _expected_vocabulary(recipe))


def _of_run(folder: RunFolder) -> Info:
    tokenizers = TokenizerPair.load(folder.tokenizer)
    vocabulary = Vocabulary(
        tokenizers.source.size, tokenizers.target.size, "one for both" if tokenizers.joint else "one each"
    )
    return _info(str(folder.root), load_recipe(folder.recipe), vocabulary, folder)


def _info(name: str, recipe: Recipe, vocabulary: Vocabulary, folder: RunFolder | None = None) -> Info:
    model = untrained_model(recipe, name, vocabulary.source, vocabulary.target)
    parts, shared = parameters_by_part(model)
    return Info(
        name=name,
        recipe=recipe,
        vocabulary=vocabulary,
        parameters=parameter_count(model),
        parts=parts,
        shared=shared,
        flops=flops_per_token(model),
        trained=_read(folder.summary) if folder else {},
        evaluations=_evaluations(folder) if folder else [],
        environment=_read(folder.environment) if folder else {},
    )


def parameters_by_part(model: nn.Module) -> tuple[dict[str, int], dict[str, str]]:
    """Parameters of each part, shared ones counted once, and which part's matrix is another one's."""
    counts: dict[str, int] = {}
    shared: dict[str, str] = {}
    owners: dict[int, str] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        part = _part(name)
        counts.setdefault(part, 0)
        owner = owners.setdefault(id(parameter), part)
        if owner == part:
            counts[part] += parameter.numel()
        else:
            shared[part] = owner
    return counts, shared


def _part(parameter: str) -> str:
    """The part of the model that a parameter belongs to, by its name."""
    half, *rest = parameter.split(".")
    if "embedding" in rest:
        return "source embedding" if half == "encoder" else "target embedding"
    return half


def _expected_vocabulary(recipe: Recipe) -> Vocabulary:
    config = recipe.tokenizer
    match config:
        case SentencePieceConfig():
            return Vocabulary(config.vocabulary, config.vocabulary, "asked for; fewer where the text yields no more")
        case ByteConfig():
            return Vocabulary(ByteTokenizer().size, ByteTokenizer().size, "bytes")
        case CharacterConfig():
            train = recipe.data.train
            first = read_split(recipe.data, train if isinstance(train, str) else train[0])
            found = train_tokenizers(config, islice(first, SAMPLE))
            return Vocabulary(found.source.size, found.target.size, f"characters of the first {SAMPLE:,} pairs")
        case _:
            assert_never(config)


def _evaluations(folder: RunFolder) -> list[dict[str, Any]]:
    """The scores of the model that is there now, not of one before it."""
    present = sha256(folder.model)
    found = (_read(path) for path in sorted(folder.evaluations.glob("*.json")))
    return [row for row in found if row.get("model_sha256") == present]


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: cannot be read ({error}); copy the run folder again") from None
    return found


def _training_line(summary: dict[str, Any]) -> str:
    """A summary in words; a number that it does not hold is a question mark."""
    known: dict[str, Any] = {
        "updates": "?",
        "seconds": 0.0,
        "target_tokens_per_second": 0.0,
        "best_metric": "?",
        "best": None,
    }
    known |= {"best_update": "?", "device": "?", "precision": "?", "stopped": "?"} | summary
    best = "?" if known["best"] is None else f"{known['best']:.4g}"
    return (
        f"{known['updates']} updates in {seconds_as_text(known['seconds'])} on {known['device']}, {known['precision']}"
        f" ({known['target_tokens_per_second']:,.0f} target tokens/s); best {known['best_metric']} {best}"
        f" at update {known['best_update']}; ended by {known['stopped']}"
    )


def _plain(value: Any) -> str:
    return "/".join(map(str, value.values())) if isinstance(value, dict) else str(value)


def _memory(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e5 else f"{count / 1e3:,.1f} kB"
