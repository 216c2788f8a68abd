"""Known bugs, each a change to one place of the package, and the tests that are to notice it.

A fault is silent: the code runs with it and its results look like results. `old` must stand exactly once in
`file`, so that a fault whose place has changed is an error here and not a bug that nobody plants any more.
"""

from pathlib import Path
from typing import NamedTuple

PARITY_OF_THE_TRANSFORMER = "models/test_transformer.py::test_features_equal_those_of_torchs_transformer"
EQUATIONS_OF_ATTENTION = "models/test_recurrent.py::test_attention_and_input_feeding_are_those_of_luong"
STEPS = "laws/test_reading_on.py::test_step_by_step_equals_all_at_once"
CAUSALITY = "laws/test_reading_on.py::test_later_tokens_do_not_matter_to_earlier_outputs"
GARBAGE = "laws/test_rows.py::test_what_stands_under_the_mask_does_not_matter"
REORDER = "laws/test_rows.py::test_reorder_among_rows_of_the_same_source_is_select"
ALONE = "laws/test_rows.py::test_a_sentence_alone_gives_what_it_gives_among_others"
EVALUATION = "laws/test_weights.py::test_evaluation_is_deterministic_and_training_is_not"
RESUMING = "training/test_trainer.py::test_going_on_is_bitwise_never_having_stopped"


class Fault(NamedTuple):
    """One bug."""

    name: str
    file: str  # in the package
    old: str
    new: str
    test: str  # in tests/: what is to fail; a file, or one function of it

    def plant(self, package: Path) -> None:
        """Put the bug into a copy of the package; LookupError when its place is not there once."""
        path = package / self.file
        text = path.read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise LookupError(f"{self.name}: {self.file} has {self.old!r} {text.count(self.old)} times, not once")
        path.write_text(text.replace(self.old, self.new), encoding="utf-8")


ATTENTION = [
    Fault(
        "a query sees one position too many",
        "layers/attention.py",
        "tril(diagonal=past)",
        "tril(diagonal=past + 1)",
        CAUSALITY,
    ),
    Fault(
        "a query of a later piece does not see the past",
        "layers/attention.py",
        "tril(diagonal=past)",
        "tril()",
        "laws/test_reading_on.py::test_any_split_equals_all_at_once",
    ),
    Fault("no causal mask at all", "layers/attention.py", "if new == 1:", "if new >= 1:", CAUSALITY),
    Fault(
        "the last of the past is hidden",
        "layers/attention.py",
        "tril(diagonal=past)",
        "tril(diagonal=max(past - 1, 0))",
        "layers/test_attention.py::test_a_query_sees_the_past_and_the_new_positions_up_to_itself",
    ),
    Fault(
        "heads are not brought back behind the positions",
        "layers/attention.py",
        "mixed.transpose(1, 2).flatten(2)",
        "mixed.flatten(1).view(querying.shape)",
        "layers/test_attention.py",
    ),
    Fault(
        "heads take every nth number instead of a part",
        "layers/attention.py",
        "x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)",
        "x.unflatten(-1, (-1, self.num_heads)).permute(0, 3, 1, 2)",
        "layers/test_attention.py",
    ),
    Fault(
        "keys are taken for values",
        "layers/attention.py",
        "keys, values = self.key_value",
        "values, keys = self.key_value",
        "layers/test_attention.py",
    ),
    Fault(
        "scores are not scaled",
        "layers/attention.py",
        "dropout_p=self.dropout if self.training else 0.0,",
        "dropout_p=self.dropout if self.training else 0.0, scale=1.0,",
        PARITY_OF_THE_TRANSFORMER,
    ),
    Fault(
        "attention weights are dropped in evaluation",
        "layers/attention.py",
        "self.dropout if self.training else 0.0",
        "self.dropout",
        "layers/test_attention.py",
    ),
    Fault(
        "new values are put before the old",
        "layers/attention.py",
        "torch.cat((self.values, new.values), dim=2)",
        "torch.cat((new.values, self.values), dim=2)",
        STEPS,
    ),
    Fault(
        "padding is seen",
        "layers/attention.py",
        "return source_mask[:, None, None, :]",
        "return (source_mask | True)[:, None, None, :]",
        ALONE,
    ),
    Fault(
        "a recurrent decoder sees padding",
        "layers/recurrent_attention.py",
        'scores.masked_fill(hidden, float("-inf"))',
        "scores.masked_fill(hidden & False, 0)",
        GARBAGE,
    ),
    Fault(
        "weights sum to one over the target",
        "layers/recurrent_attention.py",
        "softmax(dim=-1)",
        "softmax(dim=1).nan_to_num()",
        "layers/test_recurrent_attention.py",
    ),
    Fault(
        "additive scores are a sum without tanh",
        "layers/recurrent_attention.py",
        "torch.tanh(query.unsqueeze(2) + keys.unsqueeze(1))",
        "(query.unsqueeze(2) + keys.unsqueeze(1))",
        "layers/test_recurrent_attention.py",
    ),
    Fault(
        "general attention asks with the matrix transposed",
        "layers/recurrent_attention.py",
        "return self.weight(encoded)",
        "return encoded @ self.weight.weight",
        EQUATIONS_OF_ATTENTION,
    ),
]

LAYERS = [
    Fault(
        "every piece begins at position zero",
        "models/transformer.py",
        "offset=state.history[0].length",
        "offset=0",
        STEPS,
    ),
    Fault(
        "sinusoids ignore their offset",
        "layers/positions.py",
        "sinusoids(offset, x.size(1)",
        "sinusoids(0 * offset, x.size(1)",
        "layers/test_positions.py",
    ),
    Fault(
        "learned positions ignore their offset",
        "layers/positions.py",
        "torch.arange(offset, offset + x.size(1)",
        "torch.arange(0, x.size(1)",
        STEPS,
    ),
    Fault(
        "sines and cosines change places",
        "layers/positions.py",
        "(angle.sin(), angle.cos())",
        "(angle.cos(), angle.sin())",
        "layers/test_positions.py",
    ),
    Fault(
        "wavelengths grow too slowly",
        "layers/positions.py",
        "-math.log(10000.0) / width",
        "-math.log(10000.0) / (width + 2)",
        "layers/test_positions.py",
    ),
    Fault(
        "nothing goes round a sublayer",
        "layers/residual.py",
        "return x + self.dropout(update)",
        "return self.dropout(update)",
        PARITY_OF_THE_TRANSFORMER,
    ),
    Fault(
        "the norm after stands on one branch alone",
        "layers/residual.py",
        "return self.norm(x + self.dropout(update))",
        "return self.norm(x) + self.dropout(update)",
        PARITY_OF_THE_TRANSFORMER,
    ),
    Fault(
        "the last norm is at the wrong kind of stack",
        "layers/residual.py",
        'if place == "before"',
        'if place == "after"',
        PARITY_OF_THE_TRANSFORMER,
    ),
    Fault(
        "embeddings are not scaled",
        "layers/embedding.py",
        "self.table(tokens) * self.scale",
        "self.table(tokens)",
        "models/test_transformer.py",
    ),
    Fault(
        "words are dropped in evaluation",
        "layers/embedding.py",
        "if self.training and self.word_dropout:",
        "if self.word_dropout:",
        "layers/test_feed_forward_and_residual.py",
    ),
    Fault(
        "words are dropped number by number",
        "layers/embedding.py",
        "vectors.new_ones(*tokens.shape, 1)",
        "vectors.new_ones(vectors.shape)",
        "layers/test_feed_forward_and_residual.py",
    ),
    Fault(
        "rows are turned round with their padding",
        "layers/recurrent_layers.py",
        "torch.where(mask, mask.sum(dim=1, keepdim=True) - 1 - position, position)",
        "mask.size(1) - 1 - position",
        GARBAGE,
    ),
    Fault(
        "the leftward half stays turned round",
        "layers/recurrent_layers.py",
        "_take(self.leftward(_take(x, turned))[0], turned)",
        "self.leftward(_take(x, turned))[0]",
        "layers/test_recurrent_layers.py",
    ),
    Fault(
        "the last vector is that of the last column",
        "layers/recurrent_layers.py",
        "end = (mask.sum(dim=1) - 1)",
        "end = (mask.sum(dim=1) * 0 + mask.size(1) - 1)",
        ALONE,
    ),
    Fault(
        "the leftward half is taken where it begins",
        "layers/recurrent_layers.py",
        "encoded[:, 0, half:]",
        "rightward[:, half:]",
        "layers/test_recurrent_layers.py",
    ),
]

MODELS = [
    Fault(
        "select forgets the memory",
        "models/state.py",
        "return map_tensors(lambda tensor: tensor.index_select(0, rows), self)",
        "return self.reorder(rows)",
        "laws/test_rows.py",
    ),
    Fault("reorder does nothing", "models/state.py", "replace(self, history=history)", "replace(self)", REORDER),
    Fault(
        "tied weights are copied once",
        "models/build.py",
        "model.output.weight = target.table.weight",
        "model.output.weight.data.copy_(target.table.weight)",
        "models/test_build.py",
    ),
    Fault(
        "the source is not tied to the target",
        "models/build.py",
        "source.table.weight = target.table.weight",
        "source.table.weight.data.copy_(target.table.weight)",
        "models/test_build.py",
    ),
    Fault(
        "the encoder sees padding",
        "models/transformer.py",
        "x = layer(x, padding_mask(source_mask))",
        "x = layer(x, padding_mask(source_mask | True))",
        GARBAGE,
    ),
    Fault(
        "the decoder sees the source's padding",
        "models/transformer.py",
        "TransformerMemory(attended, padding_mask(source_mask))",
        "TransformerMemory(attended, padding_mask(source_mask | True))",
        GARBAGE,
    ),
    Fault(
        "all decoder layers share the projection of the first",
        "models/transformer.py",
        "tuple(layer.read(encoded) for layer in self.layers)",
        "tuple(next(iter(self.layers)).read(encoded) for _ in self.layers)",
        PARITY_OF_THE_TRANSFORMER,
    ),
    Fault(
        "the decoder's last norm is left out",
        "models/transformer.py",
        "return self.norm(x), DecoderState",
        "return x, DecoderState",
        "laws/test_weights.py::test_every_parameter_gets_a_gradient",
    ),
    Fault(
        "the mean is taken over padding too",
        "models/recurrent.py",
        "return total / source_mask.sum(dim=1, keepdim=True)",
        "return total / source_mask.size(1)",
        ALONE,
    ),
    Fault(
        "dropout drops without making up for it",
        "layers/dropout.py",
        "kept.mul_(LEVELS / (LEVELS - dropped))",
        "kept",
        "layers/test_dropout.py",
    ),
    Fault(
        "dropout keeps what it should drop",
        "layers/dropout.py",
        "torch.ge(",
        "torch.lt(",
        "layers/test_dropout.py",
    ),
    Fault(
        "a walk forgets the gradients of the weights but the last step's",
        "layers/recurrent_steps.py",
        "zip(*ctx.record, strict=True)",
        "zip(*ctx.record[-1:], strict=True)",
        "layers/test_recurrent_steps.py",
    ),
    Fault(
        "a walk reads the first known input at every step",
        "layers/recurrent_steps.py",
        "self.known[time]",
        "self.known[0]",
        "layers/test_recurrent_steps.py",
    ),
    Fault(
        "a walked GRU mixes its new state and its old the other way round",
        "layers/recurrent_steps.py",
        "torch.lerp(new, parts[0].to(new.dtype)",
        "torch.lerp(parts[0].to(new.dtype), new",
        "layers/test_recurrent_steps.py",
    ),
    Fault(
        "input feeding feeds nothing",
        "models/recurrent.py",
        "walk.step(time, attentional)",
        "walk.step(time, 0 * attentional)",
        EQUATIONS_OF_ATTENTION,
    ),
    Fault(
        "what was found last is not handed on",
        "models/recurrent.py",
        "FeedingHistory(walk.hidden, attentional)",
        "FeedingHistory(walk.hidden, state.history.attentional)",
        STEPS,
    ),
    Fault(
        "an LSTM's hidden state and its cell change places",
        "models/recurrent.py",
        ".unbind(dim=1)",
        ".unbind(dim=1)[::-1]",
        "models/test_recurrent.py::test_without_attention_the_first_state_is_all_that_is_known",
    ),
    Fault(
        "the recurrence starts anew with every piece",
        "models/recurrent.py",
        "return outputs, tuple(part.transpose(0, 1) for part in parts)",
        "return outputs, hidden",
        STEPS,
    ),
    Fault(
        "layers change places from step to step",
        "models/recurrent.py",
        "tuple(part.transpose(0, 1) for part in parts)",
        "tuple(part.transpose(0, 1).flip(1) for part in parts)",
        STEPS,
    ),
    Fault(
        "the attentional vector is not squashed",
        "models/recurrent.py",
        "torch.tanh(self.combine(torch.cat((context, outputs), dim=-1)))",
        "self.combine(torch.cat((context, outputs), dim=-1))",
        EQUATIONS_OF_ATTENTION,
    ),
    Fault(
        "the output is left out of the attentional vector",
        "models/recurrent.py",
        "torch.cat((context, outputs), dim=-1)",
        "torch.cat((context, context), dim=-1)",
        EQUATIONS_OF_ATTENTION,
    ),
    Fault(
        "dropout stays on in evaluation",
        "models/recurrent.py",
        "return self.dropout(self.embedding(target))",
        "return nn.functional.dropout(self.embedding(target), self.dropout.p)",
        EVALUATION,
    ),
    Fault(
        "another gate than the forget gate starts open",
        "models/recurrent.py",
        "gates[1].fill_(1.0)",
        "gates[2].fill_(1.0)",
        "models/test_build.py",
    ),
]

SEARCH = [
    Fault(
        "K candidates instead of 2K",
        "search/beam.py",
        "2 * config.beam_size)",
        "config.beam_size)",
        "search/test_beam.py",
    ),
    Fault(
        "the length penalty is turned over",
        "search/limits.py",
        "((5 + length) / 6) ** alpha",
        "((5 + length) / 6) ** -alpha",
        "search/test_beam.py",
    ),
    Fault(
        "histories stay where they were",
        "search/beam.py",
        "else state.reorder(rows)",
        "else state",
        "search/test_beam.py",
    ),
    Fault(
        "a sentence is done with its first finished hypothesis",
        "search/beam.py",
        "hoped_for > self.finished.scores[:, -1]",
        "hoped_for > self.finished.scores[:, 0]",
        "search/test_beam.py",
    ),
    Fault(
        "hopes are weighed as if nothing more were written",
        "search/beam.py",
        "self.live.totals[:, 0] / length_penalty(self.limits, alpha)",
        "self.live.totals[:, 0] / length_penalty(self.limits * 0 + 1, alpha)",
        "search/test_beam.py",
    ),
    Fault(
        "finished hypotheses go on",
        "search/beam.py",
        "excluded=finishing)",
        "excluded=finishing & False)",
        "search/test_beam.py",
    ),
    Fault(
        "a hypothesis continues its neighbour",
        "search/beam.py",
        "self._steps.append((live.numbers.gather(1, beams).flatten()",
        "self._steps.append((live.numbers.gather(1, beams.flip(1)).flatten()",
        "search/test_beam.py",
    ),
    Fault(
        "padding may be written",
        "search/hypothesis.py",
        '    log_probabilities[:, special.padding] = float("-inf")\n',
        "",
        "search/test_beam.py",
    ),
    Fault(
        "half precision is summed as it is",
        "search/hypothesis.py",
        "return tensor.to(torch.promote_types(tensor.dtype, torch.float32))",
        "return tensor",
        "search/test_forced.py",
    ),
    Fault(
        "padding counts in a forced score",
        "search/forced.py",
        "chosen.where(counted, 0.0)",
        "chosen",
        "search/test_forced.py",
    ),
    Fault(
        "greedy search forgets the score of what came before",
        "search/greedy.py",
        "totals, tokens = next_log_probabilities(logits, special).add_(totals.unsqueeze(1)).max(dim=1)",
        "totals, tokens = next_log_probabilities(logits, special).max(dim=1)",
        "search/test_search_over_models.py",
    ),
]

DATA = [
    Fault(
        "a target begins with its end",
        "data/batches.py",
        "padded[:, 0] = SPECIAL.start",
        "padded[:, 0] = SPECIAL.end",
        "data/test_batches.py",
    ),
    Fault(
        "the end marker of a source is masked",
        "data/batches.py",
        "torch.arange(source.shape[1]) <= torch",
        "torch.arange(source.shape[1]) < torch",
        "data/test_batches.py",
    ),
    Fault(
        "all epochs are alike",
        "data/order.py",
        "[self._seed, *numbers]",
        "[self._seed, *numbers[1:]]",
        "data/test_batches.py",
    ),
    Fault(
        "an epoch that goes on begins anew",
        "data/batches.py",
        "self._order.batches(number, skip)",
        "self._order.batches(number)",
        "data/test_batches.py",
    ),
    Fault(
        "an epoch that goes on leaves out one batch more",
        "data/batches.py",
        "self._order.batches(number, skip)",
        "self._order.batches(number, skip + (skip > 0))",
        "data/test_batches.py",
    ),
    Fault(
        "batches come sorted by length",
        "data/order.py",
        "for index in random.permutation(len(batches))",
        "for index in range(len(batches))",
        "data/test_batches.py",
    ),
    Fault(
        "the budget forgets the end marker",
        "data/order.py",
        ".astype(np.int64) + 1",
        ".astype(np.int64)",
        "data/test_batches.py",
    ),
    Fault(
        "pairs with one source count as repeated whatever their targets",
        "data/duplicates.py",
        "(source[1:] == source[:-1]) & (target[1:] == target[:-1])",
        "source[1:] == source[:-1]",
        "data/test_filters.py",
    ),
    Fault(
        "a ratio counts on one side only",
        "data/filters.py",
        "shorter, longer = np.minimum(source_lengths, target_lengths), np.maximum(source_lengths, target_lengths)",
        "shorter, longer = source_lengths, target_lengths",
        "data/test_filters.py",
    ),
    Fault(
        "a row is read one id too far",
        "data/tokenized.py",
        "self.target_ids[self.target_offsets[index] : self.target_offsets[index + 1]]",
        "self.target_ids[self.target_offsets[index] : self.target_offsets[index + 1] + 1]",
        "data/test_cache.py",
    ),
]

TRAINING = [
    Fault(
        "padding is smoothed",
        "training/objective.py",
        "uniform = (normaliser - mean) * counts",
        "uniform = normaliser - mean",
        "training/test_objective.py",
    ),
    Fault(
        "padding has a gradient",
        "training/objective.py",
        "gradient.mul_(counts.unsqueeze(1))",
        "gradient",
        "training/test_objective.py",
    ),
    Fault(
        "smoothing is left out of the gradient",
        "training/objective.py",
        ".sub_(epsilon / logits.size(1))",
        "",
        "training/test_objective.py",
    ),
    Fault(
        "the model is asked for the token it reads",
        "training/objective.py",
        "batch.target[:, 1:].flatten()",
        "batch.target[:, :-1].flatten()",
        "training/test_objective.py",
    ),
    Fault(
        "the loss is a mean over batches",
        "training/trainer.py",
        "(loss.smoothed / (tokens / self.processes.size)).backward()",
        "(loss.smoothed / part.target_tokens / len(parts)).backward()",
        "training/test_trainer.py::test_accumulation_is_one_large_batch",
    ),
    Fault(
        "a long gradient stays long",
        "training/optimizer.py",
        "if longest is not None:",
        "if longest is None:",
        "training/test_trainer.py::test_a_gradient_longer_than_the_norm_is_scaled_to_it",
    ),
    Fault("going on begins the epoch anew", "training/trainer.py", "skip=self.position.batch", "skip=0", RESUMING),
    Fault(
        "going on draws other dropout",
        "training/trainer.py",
        "seed_generators(self.device, self.seed, self.position.update, share, number)",
        "pass",
        RESUMING,
    ),
    Fault(
        "going on forgets the optimiser's moments",
        "training/checkpoint.py",
        "optimizer.state[parameter] =",
        "_ =",
        RESUMING,
    ),
    Fault("going on forgets what is not reported yet", "training/trainer.py", "self.meter.restore(", "(", RESUMING),
    Fault(
        "a step that is no number is applied",
        "training/guard.py",
        "(~measured.isfinite().all()).float()",
        "measured.isnan().all().float()",
        "training/test_guard.py",
    ),
    Fault(
        "memory runs out and a row is lost",
        "training/memory.py",
        "_rows(batch, rows // 2, rows)]",
        "_rows(batch, rows // 2, rows - 1)]",
        "training/test_memory.py",
    ),
    Fault(
        "an update done anew adds to the gradient of the first attempt",
        "training/trainer.py",
        "            self.optimizer.zero_grad(set_to_none=True)\n            release",
        "            release",
        "training/test_memory.py",
    ),
    Fault(
        "a damaged file is read",
        "training/weights.py",
        "if actual != expected:",
        "if not actual:",
        "training/test_checkpoint.py",
    ),
    Fault(
        "a file takes its place unread",
        "files.py",
        "            verify(temporary)\n",
        "            pass\n",
        "training/test_checkpoint.py",
    ),
    Fault(
        "no checkpoint is kept but the newest",
        "training/checkpoint.py",
        "KEPT = 2",
        "KEPT = 1",
        "training/test_checkpoint.py",
    ),
    Fault(
        "two trainings share a run folder",
        "workflows/lock.py",
        "fcntl.LOCK_EX | fcntl.LOCK_NB",
        "fcntl.LOCK_SH | fcntl.LOCK_NB",
        "workflows/test_lock.py",
    ),
    Fault(
        "a model is evaluated as if in training",
        "training/trainer.py",
        "        self.measured.eval()\n",
        "",
        "training/test_trainer.py::test_a_validation_sees_the_model_as_it_will_be_used",
    ),
    Fault(
        "a model trains on as if in evaluation",
        "training/trainer.py",
        "            found = self.validate(model)\n        self.model.train()",
        "            found = self.validate(model)",
        RESUMING,
    ),
    Fault(
        "the worst model is kept",
        "training/trainer.py",
        "(found < best if self.config.metric",
        "(found > best if self.config.metric",
        "training/test_trainer.py::test_the_best_model_is_kept_and_patience_ends_the_training",
    ),
    Fault(
        "the warmup is one update late",
        "training/schedule.py",
        "return config.peak * update / config.warmup",
        "return config.peak * (update - 1) / config.warmup",
        "training/test_schedule.py",
    ),
    Fault(
        "an average is the last of its parts",
        "training/weights.py",
        ".mean(dim=0).to(first.dtype)",
        "[-1].to(first.dtype)",
        "training/test_trainer.py::test_an_average_is_the_mean_of_each_weight",
    ),
]

TRANSLATION = [
    Fault(
        "translations come in the order of their lengths",
        "translation.py",
        "found[row] = self._written(",
        "found[found.index(BLANK)] = self._written(",
        "test_translation.py",
    ),
    Fault(
        "a difference in BLEU is compared with itself",
        "evaluation/significance.py",
        '[("baseline", baseline), *differing.items()]',
        '[("baseline", baseline), *((name, baseline) for name in differing)]',
        "evaluation/test_metrics.py",
    ),
]

FAULTS = [*ATTENTION, *LAYERS, *MODELS, *SEARCH, *DATA, *TRAINING, *TRANSLATION]
