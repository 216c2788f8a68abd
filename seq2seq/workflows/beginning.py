"""What every training begins with: a whole one, a calibration, a measurement of speed."""

from typing import Any, NamedTuple

import torch

from seq2seq.data.batches import Batches
from seq2seq.data.tokenizer import TokenizerPair
from seq2seq.devices import only_deterministic_algorithms
from seq2seq.errors import ConfigError
from seq2seq.files import RunFolder
from seq2seq.models.build import build_model
from seq2seq.models.interface import EncoderDecoder
from seq2seq.training.allocator import keep_freed_memory
from seq2seq.training.parallel import ALONE, Processes
from seq2seq.training.trainer import Trainer
from seq2seq.workflows.progress import Listeners
from seq2seq.workflows.recipe import Recipe
from seq2seq.workflows.text import TrainingText
from seq2seq.workflows.validation import Validation, first_references

PREFETCH = 4  # batches made ready in the background, for a GPU; a CPU has no idle hands for it


class Beginning(NamedTuple):
    """What a recipe's training has before its first update."""

    data: TrainingText
    model: EncoderDecoder[Any]


def begin(recipe: Recipe, folder: RunFolder, device: torch.device, processes: Processes = ALONE) -> Beginning:
    """Text and model of `recipe`, in a process that from now on is made for training on `device`.

    The tokenizers are those of the folder where it has some. Raises DataError and
    ConfigError, in every process when one of them fails.
    """
    keep_freed_memory()
    if recipe.training.deterministic and device.type == "cuda":
        only_deterministic_algorithms()
    data = TrainingText.shared(recipe, folder.tokenizer, processes)
    torch.manual_seed(recipe.seed)
    with processes.together():
        return Beginning(data, starting_model(recipe, data.tokenizers).to(device))


def starting_model(recipe: Recipe, tokenizers: TokenizerPair) -> EncoderDecoder[Any]:
    """The recipe's model with its starting weights, which the random state decides."""
    if recipe.model.tied_embeddings == "all" and not tokenizers.joint:
        raise ConfigError(
            "model: tied_embeddings must be 'target' or 'none' where each language has its own vocabulary, not 'all';"
            " or set tokenizer.joint=true"
        )
    return build_model(recipe.model, tokenizers.source.size, tokenizers.target.size)


def shortened(recipe: Recipe, updates: int) -> Recipe:
    """The recipe with a training of so many updates whatever time they take, and one validation, at the end."""
    changes = {"updates": updates, "validate_every": updates, "minutes": None, "patience": None}
    return recipe.model_copy(update={"training": recipe.training.model_copy(update=changes)})


def build_trainer(
    recipe: Recipe, folder: RunFolder, data: TrainingText, model: EncoderDecoder[Any], processes: Processes = ALONE
) -> Trainer:
    """What trains `model` in `folder`, with nobody listening yet."""
    config = recipe.training
    order = data.order(config.batch_tokens, recipe.seed)
    on_gpu = next(model.parameters()).is_cuda
    rank, size, prefetch = processes.rank, processes.size, PREFETCH if on_gpu else 0
    return Trainer(
        model,
        Batches(data.train, order, rank=rank, size=size, prefetch=prefetch, pinned=on_gpu),
        config,
        folder,
        build_validation(recipe, data, processes),
        Listeners(()),
        recipe.seed,
        processes,
    )


def build_validation(recipe: Recipe, data: TrainingText, processes: Processes = ALONE) -> Validation:
    """What measures the recipe's model meanwhile."""
    return Validation(
        data.valid,
        first_references(recipe.data, recipe.training.validation_bleu),
        data.tokenizers.target,
        recipe.training.batch_tokens,
        processes=processes,
    )
