"""Checks of a recipe against its text."""

from seq2seq.workflows.advice.concern import Concern
from seq2seq.workflows.advice.facts import Facts
from seq2seq.workflows.recipe import Recipe

MOST_FILTERED = 0.01  # of the pairs, by length
MOST_DROPPED = 0.1  # of the pairs, by another filter
MOST_REPEATED = 0.01  # of a held-out split
MOST_UNKNOWN = 0.01  # of the tokens
MOST_CUT = 0.01  # of the validation targets
MOST_COPIED = 0.1  # of the pairs
LEAST_CORRELATION = 0.3  # of source and target lengths; parallel text has 0.7 to 0.99
LEAST_CHARACTERS = 1.2  # in a piece
LEAST_SEEN = 20  # tokens a vocabulary entry
FEWEST_VALID = 100  # pairs
FEWEST_UPDATES = 5  # an epoch
MOST_EPOCHS, MOST_BARE_EPOCHS = 300, 30  # the latter without dropout
MOST_PARAMETERS = 100  # a target token
LONG_FOR_RNN = 50  # tokens that one training pair in ten reaches
LONG_WITHOUT_ATTENTION = 30  # tokens that half of the training pairs reach


def length_filter(recipe: Recipe, facts: Facts) -> Concern | None:
    lost = facts.report.too_long / facts.report.read
    if lost > MOST_FILTERED:
        return Concern(
            f"max_length={recipe.data.filters.max_length} leaves out {lost:.1%} of the training pairs, the long ones,"
            " and the model never learns to translate such",
            f"raise data.filters.max_length, so that at most {MOST_FILTERED:.0%} is lost",
        )
    return None


def ratio_filter(recipe: Recipe, facts: Facts) -> Concern | None:
    lost = facts.report.ratio / facts.report.read
    if lost > MOST_DROPPED:
        return Concern(
            f"max_ratio={recipe.data.filters.max_ratio:g} leaves out {lost:.0%} of the training pairs",
            "raise data.filters.max_ratio; or the lines of the two languages do not belong together",
        )
    return None


def empty_pairs(recipe: Recipe, facts: Facts) -> Concern | None:  # noqa: ARG001 - asked like the others
    lost = facts.report.empty / facts.report.read
    if lost > MOST_FILTERED:
        return Concern(
            f"{lost:.1%} of the training pairs have nothing on one side: the text may be cut differently there",
            "look at those lines, and align the text again",
        )
    return None


def lengths_unrelated(recipe: Recipe, facts: Facts) -> Concern | None:  # noqa: ARG001
    correlation = facts.lengths.correlation
    if facts.lengths.pairs >= 100 and correlation < LEAST_CORRELATION:
        return Concern(
            f"long sources do not have long targets (correlation {correlation:.2f}): the lines do not seem to"
            " translate each other",
            "look at a few pairs; one file may be shuffled, or shifted by a line",
        )
    return None


def copied_pairs(recipe: Recipe, facts: Facts) -> Concern | None:
    task = recipe.data.corpus.task if recipe.data.corpus.kind == "toy" else ""
    if facts.copied_share > MOST_COPIED and not task:
        return Concern(
            f"in {facts.copied_share:.0%} of the training pairs the target is the source: the model learns to copy",
            "remove untranslated lines from the training text",
        )
    return None


def validation_overlap(recipe: Recipe, facts: Facts) -> Concern | None:
    share = facts.repeated[recipe.data.valid]
    if share > MOST_REPEATED:
        return Concern(
            f"{share:.1%} of the validation pairs are in the training text: validation cannot tell learning from"
            " remembering",
            "remove them from the training text",
        )
    return None


def test_overlap(recipe: Recipe, facts: Facts) -> Concern | None:
    tests = {name: share for name, share in facts.repeated.items() if name != recipe.data.valid}
    name, share = max(tests.items(), key=lambda item: item[1], default=("", 0.0))
    if share > MOST_REPEATED:
        return Concern(
            f"{share:.1%} of the pairs of {name!r} are in the training text: its score promises too much",
            "remove them from the training text",
        )
    return None


def validation_test_overlap(recipe: Recipe, facts: Facts) -> Concern | None:  # noqa: ARG001
    name, share = max(facts.valid_in_tests.items(), key=lambda item: item[1], default=("", 0.0))
    if share > MOST_REPEATED:
        return Concern(
            f"{share:.1%} of the pairs of {name!r} are validation text, by which the model is chosen",
            "validate on other text than you test on",
        )
    return None


def validation_small(recipe: Recipe, facts: Facts) -> Concern | None:
    if facts.valid_pairs < FEWEST_VALID:
        return Concern(
            f"{facts.valid_pairs} validation pairs are too few to tell a better model from a lucky one",
            f"hold out {FEWEST_VALID} pairs or more in {recipe.data.valid!r}",
        )
    return None


def validation_heavy(recipe: Recipe, facts: Facts) -> Concern | None:
    training = recipe.training
    between = training.validate_every * training.batch_tokens * training.accumulate
    if facts.valid_tokens > between:
        return Concern(
            f"a validation reads {facts.valid_tokens:,} tokens, more than the {between:,} trained on between two:"
            " most of the time goes into measuring",
            f"raise training.validate_every to {-(-10 * facts.valid_tokens // (between // training.validate_every))}",
        )
    return None


def search_short(recipe: Recipe, facts: Facts) -> Concern | None:
    if facts.cut_share > MOST_CUT:
        search = recipe.search
        return Concern(
            f"{facts.cut_share:.1%} of the validation targets are longer than a search may go"
            f" (max_length_ratio={search.max_length_ratio:g}, max_length_offset={search.max_length_offset})",
            "raise search.max_length_ratio",
        )
    return None


def learned_positions_short(recipe: Recipe, facts: Facts) -> Concern | None:
    model = recipe.model
    if model.kind == "transformer" and model.positions.kind == "learned" and model.positions.length < facts.longest:
        return Concern(
            f"there are learned positions for {model.positions.length} tokens and sentences of {facts.longest}: what"
            " lies beyond shares one position and loses its order",
            f"set model.positions={{kind: learned, length: {2 * facts.longest}}}, or model.positions=sinusoidal",
        )
    return None


def plain_rnn_long(recipe: Recipe, facts: Facts) -> Concern | None:
    usual = facts.lengths.longer(0.9)
    if recipe.model.kind == "recurrent" and recipe.model.cell == "rnn" and usual > LONG_FOR_RNN:
        return Concern(
            f"a plain RNN forgets within some dozens of steps, and a tenth of the pairs has {usual} tokens or more",
            "set model.cell=gru or lstm, or a larger tokenizer.vocabulary, which shortens sentences",
        )
    return None


def no_attention_long(recipe: Recipe, facts: Facts) -> Concern | None:
    usual = facts.lengths.longer(0.5)
    if recipe.model.kind == "recurrent" and recipe.model.attention == "none" and usual > LONG_WITHOUT_ATTENTION:
        return Concern(
            f"half of the pairs have {usual} tokens or more, which no single vector holds: without attention long"
            " sentences come out as nonsense",
            "set model.attention=general",
        )
    return None


def vocabulary_large(recipe: Recipe, facts: Facts) -> Concern | None:
    if recipe.tokenizer.kind == "byte":  # nothing to choose
        return None
    tokens = facts.lengths.source_tokens + facts.lengths.target_tokens
    each = tokens / (facts.vocabulary[0] if recipe.tokenizer.joint else sum(facts.vocabulary))
    if each < LEAST_SEEN:
        return Concern(
            f"each of the {max(facts.vocabulary):,} vocabulary entries is seen {each:.1f} times on average in"
            " training: most stay as they were drawn",
            f"set tokenizer.vocabulary={max(50, tokens // 100 // 100 * 100)}",
        )
    return None


def vocabulary_small(recipe: Recipe, facts: Facts) -> Concern | None:
    if recipe.tokenizer.kind in ("unigram", "bpe") and facts.characters_a_token < LEAST_CHARACTERS:
        return Concern(
            f"a piece of the vocabulary holds {facts.characters_a_token:.2f} characters on average: sentences are as"
            " long as if spelt letter by letter",
            "raise tokenizer.vocabulary",
        )
    return None


def unknown_tokens(recipe: Recipe, facts: Facts) -> Concern | None:
    if facts.unknown_share > MOST_UNKNOWN:
        remedy = "train on text with the same characters"
        if recipe.tokenizer.kind in ("unigram", "bpe"):
            remedy = "set tokenizer.byte_fallback=true"
        return Concern(f"{facts.unknown_share:.1%} of the validation tokens are unknown to the vocabulary", remedy)
    return None


def parameters_many(recipe: Recipe, facts: Facts) -> Concern | None:  # noqa: ARG001
    tokens = facts.lengths.target_tokens
    each = facts.parameters / tokens
    if each > MOST_PARAMETERS:
        return Concern(
            f"{facts.parameters:,} parameters for {tokens:,} target tokens of text: the model can learn it by heart",
            "take a smaller model, or more text",
        )
    return None


def batch_large(recipe: Recipe, facts: Facts) -> Concern | None:
    updates = facts.updates_an_epoch(recipe)
    if updates < FEWEST_UPDATES:
        return Concern(
            f"an update reads {1 / updates:.0%} of the training text: few updates, and all of them alike",
            f"set training.batch_tokens={max(256, facts.lengths.longer_tokens // 50)} and training.accumulate=1",
        )
    return None


def epochs_few(recipe: Recipe, facts: Facts) -> Concern | None:
    epochs = facts.epochs(recipe)
    if epochs < 1:
        return Concern(
            f"{recipe.training.updates:,} updates read {epochs:.0%} of the training text, the rest never",
            f"set training.updates={int(facts.updates_an_epoch(recipe)) + 1} or more",
        )
    return None


def epochs_many(recipe: Recipe, facts: Facts) -> Concern | None:
    epochs = facts.epochs(recipe)
    if epochs > MOST_EPOCHS:
        return Concern(
            f"{recipe.training.updates:,} updates read the training text {epochs:,.0f} times over",
            "lower training.updates, or set training.patience",
        )
    return None


def no_dropout(recipe: Recipe, facts: Facts) -> Concern | None:
    model = recipe.model.model_dump(mode="json")
    epochs = facts.epochs(recipe)
    if epochs > MOST_BARE_EPOCHS and not any(value for key, value in model.items() if key.endswith("dropout")):
        return Concern(
            f"the training text is read {epochs:,.0f} times over without dropout: the model learns it by heart",
            "set model.dropout=0.3",
        )
    return None


TEXT_CHECKS = (
    length_filter,
    ratio_filter,
    empty_pairs,
    lengths_unrelated,
    copied_pairs,
    validation_overlap,
    test_overlap,
    validation_test_overlap,
    validation_small,
    validation_heavy,
    search_short,
    learned_positions_short,
    plain_rnn_long,
    no_attention_long,
    vocabulary_large,
    vocabulary_small,
    unknown_tokens,
    parameters_many,
    batch_large,
    epochs_few,
    epochs_many,
    no_dropout,
)
