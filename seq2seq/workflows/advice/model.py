"""Checks of the model section of a recipe."""

from seq2seq.workflows.advice.concern import Concern
from seq2seq.workflows.recipe import Recipe

NARROWEST_HEAD, WIDEST_HEAD = 16, 128
DEEP_RECURRENT = 4  # layers; Wu et al. 2016, section 3.1
DEEP_POST_NORM = 12  # layers on one side; Wang et al. 2019, section 1
POST_NORM_LAYERS, POST_NORM_WARMUP = 4, 500
MOST_DROPOUT = 0.5


def no_positions(recipe: Recipe) -> Concern | None:
    model = recipe.model
    if model.kind == "transformer" and model.positions.kind == "none":
        return Concern(
            "without positions the encoder sees a bag of words, and 'dog bites man' is 'man bites dog'",
            "set model.positions=sinusoidal",
        )
    return None


def post_norm_short_warmup(recipe: Recipe) -> Concern | None:
    model, warmup = recipe.model, recipe.training.schedule.warmup
    if model.kind == "transformer" and model.norm == "after" and warmup < POST_NORM_WARMUP:
        depth = max(model.encoder_layers, model.decoder_layers)
        if depth >= POST_NORM_LAYERS:
            return Concern(
                f"{depth} layers with norms after the sublayers diverge or stall when the rate rises within"
                f" {warmup} updates",
                "set model.norm=before, or training.schedule.warmup=4000",
            )
    return None


def post_norm_deep(recipe: Recipe) -> Concern | None:
    model = recipe.model
    if model.kind == "transformer" and model.norm == "after":
        depth = max(model.encoder_layers, model.decoder_layers)
        if depth > DEEP_POST_NORM:
            return Concern(
                f"gradients do not reach through {depth} layers with norms after the sublayers",
                f"set model.norm=before, or have at most {DEEP_POST_NORM} layers",
            )
    return None


def narrow_heads(recipe: Recipe) -> Concern | None:
    model = recipe.model
    if model.kind == "transformer" and model.model_dim // model.num_heads < NARROWEST_HEAD:
        width = model.model_dim // model.num_heads
        heads = max(1, model.model_dim // 32)
        return Concern(
            f"an attention head of width {width} ({model.model_dim} over {model.num_heads}) tells few tokens apart",
            f"set model.num_heads={heads}, or widen model.model_dim",
        )
    return None


def wide_heads(recipe: Recipe) -> Concern | None:
    model = recipe.model
    if model.kind == "transformer" and model.model_dim // model.num_heads > WIDEST_HEAD:
        width = model.model_dim // model.num_heads
        return Concern(
            f"{model.num_heads} attention head(s) of width {width} look at too few places at once",
            f"set model.num_heads={max(2, model.model_dim // 64)}, for heads of width 64",
        )
    return None


def narrow_feed_forward(recipe: Recipe) -> Concern | None:
    model = recipe.model
    if model.kind == "transformer" and model.feed_forward_dim < model.model_dim:
        return Concern(
            f"feed_forward_dim {model.feed_forward_dim} is narrower than model_dim {model.model_dim}: every layer"
            " squeezes its tokens through a bottleneck",
            f"set model.feed_forward_dim={4 * model.model_dim}",
        )
    return None


def deep_recurrent(recipe: Recipe) -> Concern | None:
    model = recipe.model
    if model.kind == "recurrent" and max(model.encoder_layers, model.decoder_layers) > DEEP_RECURRENT:
        return Concern(
            f"{max(model.encoder_layers, model.decoder_layers)} recurrent layers without residual connections train"
            f" worse than {DEEP_RECURRENT}",
            f"have at most {DEEP_RECURRENT} layers on either side, and widen model.hidden_dim instead",
        )
    return None


def dropout_high(recipe: Recipe) -> Concern | None:
    shares = recipe.model.model_dump(mode="json")
    high = [f"{key} {value:g}" for key, value in shares.items() if key.endswith("dropout") and value > MOST_DROPOUT]
    if high:
        return Concern(
            f"{' and '.join(high)}: more than half of the signal is dropped at each place, and the model underfits",
            "set it to 0.1 to 0.3; above 0.5 only for a corpus that is very small",
        )
    return None


MODEL_CHECKS = (
    no_positions,
    post_norm_short_warmup,
    post_norm_deep,
    narrow_heads,
    wide_heads,
    narrow_feed_forward,
    deep_recurrent,
    dropout_high,
)
