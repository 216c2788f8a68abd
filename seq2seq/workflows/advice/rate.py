"""Checks of the optimiser and of its learning rate, from the recipe alone."""

import math

from seq2seq.workflows.advice.concern import Concern
from seq2seq.workflows.recipe import Recipe

USUAL_BATCH = 4096  # target tokens an update, for which the limits below hold
TRANSFORMER_RATE, RECURRENT_RATE = 1.0, 2.0  # highest usual peak times the model's width
LOWEST_SHARE = 0.02  # of the highest usual peak
HIGHEST_BETA2 = 0.999
HIGHEST_EPSILON = 1e-5
HIGHEST_DECAY = 0.3
LOOSEST_CLIP = 25.0


def highest_usual_rate(recipe: Recipe) -> float:
    """A peak above this rarely trains: inverse to the width, and up to a factor 2 with the root of the batch.

    A transformer of width 512 gets 2e-3 at 4096 tokens an update, where Vaswani et al. 2017 have 7e-4.
    """
    model, training = recipe.model, recipe.training
    by_width = TRANSFORMER_RATE / model.model_dim if model.kind == "transformer" else RECURRENT_RATE / model.hidden_dim
    batch = math.sqrt(training.batch_tokens * training.accumulate / USUAL_BATCH)
    return by_width * min(2.0, max(0.5, batch))


def rate_high(recipe: Recipe) -> Concern | None:
    peak, limit = recipe.training.schedule.peak, highest_usual_rate(recipe)
    if peak > limit:
        return Concern(
            f"a peak learning rate of {peak:g} is above the usual {limit:.1g} for this width and batch: training"
            " tends to diverge",
            f"set training.schedule.peak={limit / 2:.1g}",
        )
    return None


def rate_low(recipe: Recipe) -> Concern | None:
    peak, limit = recipe.training.schedule.peak, highest_usual_rate(recipe)
    if peak < LOWEST_SHARE * limit:
        return Concern(
            f"a peak learning rate of {peak:g} is far below the usual {limit / 10:.1g} to {limit:.1g} for this width"
            " and batch: the model hardly moves",
            f"set training.schedule.peak={limit / 2:.1g}",
        )
    return None


def no_warmup(recipe: Recipe) -> Concern | None:
    if recipe.model.kind == "transformer" and recipe.training.schedule.warmup == 0:
        return Concern(
            "a transformer without warmup takes its largest steps while Adam knows the gradients least",
            f"set training.schedule.warmup={max(1, min(4000, recipe.training.updates // 10))}",
        )
    return None


def warmup_long(recipe: Recipe) -> Concern | None:
    warmup, updates = recipe.training.schedule.warmup, recipe.training.updates
    if 2 * warmup > updates:
        reached = f"{updates / warmup:.0%} of the peak is ever reached" if warmup >= updates else "little time is left"
        return Concern(
            f"the learning rate still rises for {warmup:,} of {updates:,} updates: {reached}",
            f"set training.schedule.warmup={max(1, updates // 10)}, or raise training.updates",
        )
    return None


def schedule_cut_short(recipe: Recipe) -> Concern | None:
    training = recipe.training
    if training.minutes is not None and training.schedule.kind in ("cosine", "linear"):
        return Concern(
            f"the {training.schedule.kind} schedule ends at update {training.updates:,}; where"
            f" minutes={training.minutes:g} ends the training first, the rate never comes down and the last gains"
            " are missed",
            "set training.updates to what fits the time (--plan tells) and minutes to null, or"
            " training.schedule.kind=inverse_square_root",
        )
    return None


def beta2_high(recipe: Recipe) -> Concern | None:
    beta2 = recipe.training.optimizer.beta2
    if recipe.model.kind == "transformer" and beta2 >= HIGHEST_BETA2:
        return Concern(
            f"beta2={beta2:g} remembers {1 / (1 - beta2):,.0f} updates of squared gradients, so that a transformer's"
            " steps lag behind and its loss spikes",
            "set training.optimizer.beta2=0.98",
        )
    return None


def betas_swapped(recipe: Recipe) -> Concern | None:
    adam = recipe.training.optimizer
    if adam.beta2 <= adam.beta1:
        return Concern(
            f"beta2 ({adam.beta2:g}) should remember longer than beta1 ({adam.beta1:g}); they may be swapped",
            "set training.optimizer.beta1=0.9 and training.optimizer.beta2=0.98",
        )
    return None


def epsilon_high(recipe: Recipe) -> Concern | None:
    epsilon = recipe.training.optimizer.epsilon
    if epsilon > HIGHEST_EPSILON:
        return Concern(
            f"epsilon={epsilon:g} outweighs most gradients, and Adam becomes plain gradient descent with a tiny rate",
            "set training.optimizer.epsilon=1e-8",
        )
    return None


def weight_decay_high(recipe: Recipe) -> Concern | None:
    decay = recipe.training.optimizer.weight_decay
    if decay > HIGHEST_DECAY:
        return Concern(
            f"weight_decay={decay:g} pulls the weights to zero faster than they learn",
            "set training.optimizer.weight_decay to 0 to 0.1",
        )
    return None


def no_clipping(recipe: Recipe) -> Concern | None:
    clip = recipe.training.clip_norm
    if recipe.model.kind == "recurrent" and (clip is None or clip > LOOSEST_CLIP):
        return Concern(
            f"clip_norm={'null' if clip is None else f'{clip:g}'} lets the gradients of a recurrent model explode",
            "set training.clip_norm=1.0",
        )
    return None


RATE_CHECKS = (
    rate_high,
    rate_low,
    no_warmup,
    warmup_long,
    schedule_cut_short,
    beta2_high,
    betas_swapped,
    epsilon_high,
    weight_decay_high,
    no_clipping,
)
