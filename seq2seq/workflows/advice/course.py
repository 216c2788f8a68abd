"""Checks of how a training goes on and is judged, and of the search, from the recipe alone."""

from collections.abc import Iterable

from seq2seq.data.corpus import DataConfig
from seq2seq.workflows.advice.concern import Concern
from seq2seq.workflows.recipe import Recipe

SMALLEST_BATCH = 256  # tokens an update
MOST_SMOOTHING = 0.3
FEWEST_FOR_BLEU = 100  # sentences
WIDEST_BEAM = 30
MOST_PENALTY = 2.0


def languages_equal(recipe: Recipe) -> Concern | None:
    if recipe.data.source == recipe.data.target:
        return Concern(
            f"source and target are both {recipe.data.source!r}: the same text is read twice, and the model learns"
            " to copy",
            "name two languages in data.source and data.target",
        )
    return None


def same_file_twice(recipe: Recipe) -> Concern | None:
    corpus = recipe.data.corpus
    same = [name for name, (a, b) in corpus.pairs.items() if a == b] if corpus.kind == "files" else []
    if same:
        return Concern(
            f"data.corpus.pairs gives split {same[0]!r} one file for both languages: the model learns to copy",
            "name the source file first and the target file second",
        )
    return None


def validation_is_test(recipe: Recipe) -> Concern | None:
    data = recipe.data
    if same := _same_text(data, [data.valid], data.tests):
        return Concern(
            f"validation and test are one text ({same!r}): the score is of the text that the model was chosen by",
            "set data.valid or data.tests to a split of its own",
        )
    return None


def validation_in_training(recipe: Recipe) -> Concern | None:
    data = recipe.data
    if same := _same_text(data, _training(data), [data.valid]):
        return Concern(
            f"validation is training text ({same!r}): it cannot tell learning from remembering",
            "set data.valid to a split that is not trained on",
        )
    return None


def test_in_training(recipe: Recipe) -> Concern | None:
    data = recipe.data
    if same := _same_text(data, _training(data), data.tests):
        return Concern(
            f"a test is training text ({same!r}): its score says nothing about new sentences",
            "take it out of data.train or of data.tests",
        )
    return None


def batch_small(recipe: Recipe) -> Concern | None:
    tokens = recipe.training.batch_tokens * recipe.training.accumulate
    if tokens < SMALLEST_BATCH:
        return Concern(
            f"{tokens} tokens an update are a few sentences: the gradient is mostly noise",
            "raise training.batch_tokens to 1024 or more, or training.accumulate where memory is short",
        )
    return None


def smoothing_high(recipe: Recipe) -> Concern | None:
    smoothing = recipe.training.label_smoothing
    if smoothing > MOST_SMOOTHING:
        return Concern(
            f"label_smoothing={smoothing:g} asks the model to be wrong that often, and its search loses all sense of"
            " what is probable",
            "set training.label_smoothing=0.1",
        )
    return None


def no_validation(recipe: Recipe) -> Concern | None:
    training = recipe.training
    if training.validate_every > training.updates:
        return Concern(
            f"validate_every={training.validate_every:,} is more than the {training.updates:,} updates: nothing is"
            " measured or chosen before the end",
            f"set training.validate_every={max(1, training.updates // 10)}",
        )
    return None


def patience_idle(recipe: Recipe) -> Concern | None:
    training = recipe.training
    validations = training.updates // training.validate_every
    if training.patience is not None and training.patience >= max(1, validations):
        return Concern(
            f"patience={training.patience} never runs out in {validations} validations",
            "lower it, or training.validate_every, or set training.patience=null",
        )
    return None


def patience_short(recipe: Recipe) -> Concern | None:
    training = recipe.training
    if training.patience is not None:
        waits = training.patience * training.validate_every
        if waits <= training.schedule.warmup:
            return Concern(
                f"patience={training.patience} may stop the training after {waits:,} updates, within the"
                f" {training.schedule.warmup:,} of the warmup, when it has hardly begun",
                f"set training.patience={training.schedule.warmup // training.validate_every + 5}",
            )
    return None


def average_idle(recipe: Recipe) -> Concern | None:
    training = recipe.training
    validations = -(-training.updates // training.validate_every)
    if training.average > validations:
        return Concern(
            f"average={training.average}, but there will be {validations} validation(s) to average, the earliest"
            " models among them",
            f"set training.validate_every={max(1, training.updates // (3 * training.average))}, or average fewer",
        )
    return None


def bleu_of_few(recipe: Recipe) -> Concern | None:
    training = recipe.training
    if training.metric == "bleu" and 0 < training.validation_bleu < FEWEST_FOR_BLEU:
        return Concern(
            f"BLEU of {training.validation_bleu} sentences chooses the best model, and that is mostly chance",
            "set training.validation_bleu=500, or training.metric=loss",
        )
    return None


def beam_wide(recipe: Recipe) -> Concern | None:
    if recipe.search.beam_size > WIDEST_BEAM:
        return Concern(
            f"beam_size={recipe.search.beam_size} finds shorter and worse translations than 5, and takes longer",
            "set search.beam_size=5",
        )
    return None


def length_penalty_high(recipe: Recipe) -> Concern | None:
    if recipe.search.length_penalty > MOST_PENALTY:
        return Concern(
            f"length_penalty={recipe.search.length_penalty:g} favours length so much that translations run on to"
            " their limit",
            "set search.length_penalty between 0.6 and 1",
        )
    return None


def _training(data: DataConfig) -> tuple[str, ...]:
    return (data.train,) if isinstance(data.train, str) else data.train


def _same_text(data: DataConfig, some: Iterable[str], others: Iterable[str]) -> str | None:
    """The first of `some` that is the text of one of the `others` by name."""
    known = {_text(data, name) for name in others}
    return next((name for name in some if _text(data, name) in known), None)


def _text(data: DataConfig, split: str) -> object:
    """What a split is called where its text comes from."""
    corpus = data.corpus
    if corpus.kind == "files":
        name = corpus.splits.get(split, split)
        return corpus.pairs.get(name, name)
    return corpus.splits.get(split, split) if corpus.kind == "hub" else split


COURSE_CHECKS = (
    languages_equal,
    same_file_twice,
    validation_is_test,
    validation_in_training,
    test_in_training,
    batch_small,
    smoothing_high,
    no_validation,
    patience_idle,
    patience_short,
    average_idle,
    bleu_of_few,
    beam_wide,
    length_penalty_high,
)
