"""A finished run, read back from its folder."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml

from seq2seq.config import parse
from seq2seq.data.tokenizer import TokenizerPair
from seq2seq.devices import choose_device
from seq2seq.errors import CheckpointError
from seq2seq.files import RunFolder
from seq2seq.models.build import ModelConfig, build_model
from seq2seq.models.interface import EncoderDecoder
from seq2seq.models.recurrent import RecurrentConfig
from seq2seq.models.transformer import TransformerConfig
from seq2seq.search.limits import SearchConfig
from seq2seq.training.weights import read_tensors, set_weights


@dataclass(frozen=True)
class TrainedRun:
    """What a run made, in memory."""

    folder: RunFolder
    model: EncoderDecoder[Any]
    tokenizers: TokenizerPair
    search_config: SearchConfig
    longest_source: int | None
    """Tokens, without the end marker, of the longest source in training; None: not known."""


def load_model(run: str | Path, device: str = "auto") -> EncoderDecoder[Any]:
    """The trained model of a run folder, ready to translate. Raises CheckpointError where it holds none."""
    return load_run(run, device).model


def load_run(run: str | Path, device: str = "auto", dtype: torch.dtype = torch.float32) -> TrainedRun:
    """The run in a folder, its model ready to translate. Raises CheckpointError where it is not whole."""
    folder = find_run(Path(run))
    tree = _recipe(folder)
    place = choose_device(device)
    search_config: SearchConfig = parse(SearchConfig, tree.get("search", {}), f"{folder.recipe}: search")
    tokenizers = TokenizerPair.load(folder.tokenizer)
    model = _model(folder, tree, tokenizers).to(place, dtype).eval()
    return TrainedRun(folder, model, tokenizers, search_config, _longest_source(folder))


def find_run(root: Path) -> RunFolder:
    """The run folder at `root`, which holds a model. Raises CheckpointError where it is none, or has none yet."""
    folder = RunFolder(root)
    if not root.is_dir():
        what = "is a file, not a run folder" if root.exists() else "no such run folder"
        raise CheckpointError(f"{root}: {what}; give the folder that 'seq2seq train' wrote")
    if not folder.recipe.is_file():
        raise CheckpointError(
            f"{root}: has no recipe.yaml, so it is no run; give the folder that 'seq2seq train' wrote"
        )
    if not folder.model.is_file():
        raise CheckpointError(
            f"{root}: training is unfinished and has left no model yet; go on with"
            f" 'seq2seq train {folder.recipe} --out {root}'"
        )
    return folder


def _recipe(folder: RunFolder) -> dict[str, Any]:
    try:
        tree = yaml.safe_load(folder.recipe.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CheckpointError(f"{folder.recipe}: cannot be read ({error}); copy the run folder again") from None
    if not isinstance(tree, dict) or "model" not in tree:
        raise CheckpointError(f"{folder.recipe}: has no section 'model'; copy the run folder again")
    return tree


def _model(folder: RunFolder, tree: dict[str, Any], tokenizers: TokenizerPair) -> EncoderDecoder[Any]:
    config: TransformerConfig | RecurrentConfig = parse(ModelConfig, tree["model"], f"{folder.recipe}: model")
    try:
        model = build_model(config, tokenizers.source.size, tokenizers.target.size)
    except ValueError as error:
        raise CheckpointError(f"{folder.root}: recipe.yaml and tokenizer do not fit; {error}") from None
    set_weights(model, read_tensors(folder.model), folder.model)
    return model


def _longest_source(folder: RunFolder) -> int | None:
    """From the summary of the training, which older runs do not have."""
    try:
        longest = json.loads(folder.summary.read_bytes()).get("longest_source")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{folder.summary}: cannot be read ({error}); copy the run folder again") from None
    return longest if isinstance(longest, int) else None
