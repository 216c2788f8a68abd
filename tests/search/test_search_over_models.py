"""The laws of search over every architecture."""

import pytest
import torch

from seq2seq.search.beam import search
from seq2seq.search.forced import forced_scores
from seq2seq.search.limits import SearchConfig
from seq2seq.tokens import SPECIAL

BEAMS = pytest.mark.parametrize("beam_size", [1, 3])


def config(beam_size):
    return SearchConfig(beam_size=beam_size, max_length_ratio=1.0, max_length_offset=4)


@BEAMS
def test_scores_are_those_of_forced_decoding(model, sources, beam_size):
    ids, mask = sources
    for row, found in enumerate(search(model, ids, mask, config(beam_size))):
        for hypothesis in found:
            tokens = (SPECIAL.start, *hypothesis.tokens, *([SPECIAL.end] if hypothesis.ended else []))
            scored = forced_scores(model, ids[row : row + 1], mask[row : row + 1], torch.tensor([tokens]))
            assert hypothesis.log_probability == pytest.approx(scored.log_probabilities.item(), abs=1e-4)


@BEAMS
def test_a_sentence_does_not_change_its_neighbours(model, sources, beam_size):
    ids, mask = sources
    together = search(model, ids, mask, config(beam_size))
    for row, length in enumerate(mask.sum(dim=1).tolist()):
        (alone,) = search(model, ids[row : row + 1, :length], mask[row : row + 1, :length], config(beam_size))
        assert [h.tokens for h in alone] == [h.tokens for h in together[row]]
        assert [h.score for h in alone] == pytest.approx([h.score for h in together[row]], abs=1e-4)
