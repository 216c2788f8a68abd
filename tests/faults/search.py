"""Bugs in search and translation."""

from faults.fault import Fault

FAULTS = [
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
