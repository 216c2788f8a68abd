"""Beam search against exhaustive enumeration, greedy search and forced decoding, on models without a network."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.models.state import DecoderState
from seq2seq.search.beam import beam_search, search
from seq2seq.search.forced import forced_scores
from seq2seq.search.greedy import greedy_search
from seq2seq.search.limits import SearchConfig
from seq2seq.tokens import SPECIAL

from table_models import Echo, Table, every_translation, limited, sources

seeds = st.integers(0, 10_000)
alphas = st.sampled_from([0.0, 0.6, 1.0, 2.5])


def forced(model, source_token, hypothesis):
    tokens = (SPECIAL.start, *hypothesis.tokens, *([SPECIAL.end] if hypothesis.ended else []))
    scored = forced_scores(model, *sources(source_token), torch.tensor([tokens]))
    return scored.log_probabilities.item(), scored.token_counts.item()


@settings(max_examples=60, deadline=None)
@given(seed=seeds, alpha=alphas, limit=st.integers(1, 4), vocabulary=st.integers(4, 6))
def test_a_beam_as_wide_as_the_space_ranks_every_translation(seed, alpha, limit, vocabulary):
    model = Table(vocabulary, seed, torch.float64)
    config = limited(limit, beam_size=(vocabulary - 2) ** limit, length_penalty=alpha)
    for token, found in zip((4, 7), beam_search(model, *sources(4, 7), config), strict=True):
        best = every_translation(model, token, limit, alpha)[: config.beam_size]
        assert [(h.tokens, h.ended) for h in found] == [(tokens, ended) for _, tokens, ended in best]
        assert [h.score for h in found] == pytest.approx([score for score, _, _ in best], abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(seed=seeds, alpha=alphas, beam_size=st.integers(1, 7), dtype=st.sampled_from(["bfloat16", "float32", "float64"]))
def test_scores_are_those_of_forced_decoding(seed, alpha, beam_size, dtype):
    model = Table(9, seed, getattr(torch, dtype))
    config = limited(6, beam_size=beam_size, length_penalty=alpha)
    tolerance = 1e-6 if dtype == "float64" else 1e-4
    for token, found in zip((4, 7, 4), search(model, *sources(4, 7, 4), config), strict=True):
        for hypothesis in found:
            log_probability, count = forced(model, token, hypothesis)
            assert hypothesis.log_probability == pytest.approx(log_probability, abs=tolerance)
            assert hypothesis.score * ((5 + count) / 6) ** alpha == pytest.approx(log_probability, abs=tolerance)


@settings(max_examples=60, deadline=None)
@given(seed=seeds, beam_size=st.integers(1, 7))
def test_histories_follow_their_hypotheses(seed, beam_size):
    model, config = Echo(12, seed), limited(7, beam_size=beam_size)
    for token, found in zip((3, 9, 5), search(model, *sources(3, 9, 5), config), strict=True):
        for hypothesis in found:
            assert hypothesis.log_probability == pytest.approx(forced(model, token, hypothesis)[0], abs=1e-4)


@settings(max_examples=100, deadline=None)
@given(seed=seeds, limit=st.integers(1, 12), model=st.sampled_from([Table, Echo]))
def test_a_beam_of_one_without_length_penalty_is_greedy_search(seed, limit, model):
    config = limited(limit, beam_size=1, length_penalty=0.0)
    inputs = (model(12, seed), *sources(1, 5, 8, 3), config)
    assert beam_search(*inputs) == [[found] for found in greedy_search(*inputs)]


@settings(max_examples=60, deadline=None)
@given(seed=seeds, alpha=alphas)
def test_searching_with_a_beam_of_one_is_greedy_search(seed, alpha):
    inputs = (Echo(12, seed), *sources(1, 5, 8, 3), limited(9, beam_size=1, length_penalty=alpha))
    assert search(*inputs) == [[found] for found in greedy_search(*inputs)]
    for (wide, *_), narrow in zip(beam_search(*inputs), greedy_search(*inputs), strict=True):
        assert wide.score >= narrow.score


@settings(max_examples=60, deadline=None)
@given(seed=seeds, alpha=alphas, beam_size=st.integers(1, 6), model=st.sampled_from([Table, Echo]))
def test_a_sentence_is_translated_as_if_alone(seed, alpha, beam_size, model):
    model = model(11, seed)
    config = SearchConfig(beam_size=beam_size, length_penalty=alpha, max_length_ratio=1.5, max_length_offset=1)
    source = torch.randint(3, 10, (5, 6), generator=torch.Generator().manual_seed(seed))
    mask = torch.arange(6) < torch.tensor([6, 1, 3, 6, 2]).unsqueeze(1)
    together = search(model, source, mask, config)
    for row, length in enumerate(mask.sum(dim=1).tolist()):
        alone = search(model, source[row : row + 1, :length], mask[row : row + 1, :length], config)
        assert alone == [together[row]]


@settings(max_examples=60, deadline=None)
@given(seed=seeds, alpha=alphas, beam_size=st.integers(2, 30), vocabulary=st.integers(4, 9))
def test_n_best_lists_are_sorted_and_distinct(seed, alpha, beam_size, vocabulary):
    model = Table(vocabulary, seed)
    for found in beam_search(model, *sources(2, 6), limited(5, beam_size=beam_size, length_penalty=alpha)):
        assert 1 <= len(found) <= beam_size
        assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)
        assert len({(h.tokens, h.ended) for h in found}) == len(found)


@settings(max_examples=60, deadline=None)
@given(seed=seeds, beam_size=st.integers(1, 4), lengths=st.lists(st.integers(1, 8), min_size=1, max_size=5))
def test_limits_are_each_sentences_own(seed, beam_size, lengths):
    model = Table(8, seed)
    model.table[..., SPECIAL.end] -= 4.0  # so that some run into their limit
    config = SearchConfig(beam_size=beam_size, max_length_ratio=0.5, max_length_offset=2)
    source = torch.full((len(lengths), max(lengths)), 4)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths).unsqueeze(1)
    for length, found in zip(lengths, search(model, source, mask, config), strict=True):
        limit = int(0.5 * length + 2)
        for hypothesis in found:
            assert len(hypothesis.tokens) + hypothesis.ended <= limit
            assert hypothesis.ended or len(hypothesis.tokens) == limit
            assert not {SPECIAL.start, SPECIAL.end, SPECIAL.padding} & set(hypothesis.tokens)


def test_limits_round_down_as_their_formula_says():
    mask = torch.arange(10).unsqueeze(0) < torch.tensor([[10]])
    for ratio, offset, limit in ((0.7, 1, 8), (2.0, 10, 30), (0.25, 1, 3), (0.0, 5, 5)):
        assert SearchConfig(max_length_ratio=ratio, max_length_offset=offset).limits(mask).tolist() == [limit]


def test_start_and_padding_are_never_written_however_likely():
    model = Table(7, seed=3)
    model.table[..., [SPECIAL.start, SPECIAL.padding]] += 50.0
    for beam_size in (1, 4):
        for found in search(model, *sources(1, 2, 3), limited(6, beam_size=beam_size)):
            assert all(min(h.tokens, default=SPECIAL.unknown) >= SPECIAL.unknown for h in found)


class Staged:
    """Ends at once with the likeliest token, but what goes on is likelier per token."""

    def start(self, source, source_mask):
        return DecoderState((torch.zeros(source.size(0)),), ())

    def advance(self, target, state):
        logits = torch.full((*target.shape, 5), -20.0)
        first = target == SPECIAL.start
        logits[..., SPECIAL.end] = torch.where(first, 0.0, -5.0)
        logits[..., 3] = torch.where(first, -0.1, 5.0)
        logits[target == 3] = torch.tensor([-20.0, -20.0, 5.0, -20.0, -20.0])
        return logits, state


@pytest.mark.parametrize("beam_size", [1, 2, 3])
def test_a_beam_goes_on_past_the_first_end(beam_size):
    config = limited(4, beam_size=beam_size, length_penalty=3.0)
    ((best, *_),) = beam_search(Staged(), *sources(4), config)
    assert best.tokens == (3,)
    assert best.ended


class Timed:
    """Ends each sentence for certain after as many tokens as its source token says."""

    def __init__(self):
        self.rows_seen = []

    def start(self, source, source_mask):
        return DecoderState((source[:, 0],), (torch.zeros(source.size(0), dtype=torch.long),))

    def advance(self, target, state):
        self.rows_seen.append(target.size(0))
        (due,), (read,) = state.memory, state.history
        logits = torch.tensor([0.0, 0.0, -60.0, 0.0, -1.0, -2.0, -3.0]).repeat(target.size(0), 1)
        logits[read == due] = torch.tensor([-60.0, -60.0, 0.0, -60.0, -60.0, -60.0, -60.0])
        return logits.unsqueeze(1), DecoderState((due,), (read + 1,))


@pytest.mark.parametrize("beam_size", [1, 3])
def test_finished_sentences_leave_the_batch(beam_size):
    model = Timed()
    found = search(model, *sources(0, 5, 2, 2), limited(20, beam_size=beam_size, length_penalty=0.0))
    assert [len(hypotheses[0].tokens) for hypotheses in found] == [0, 5, 2, 2]
    if beam_size == 1:
        assert model.rows_seen == [4, 3, 3, 1, 1, 1]
    else:
        # The first token is read once for each sentence. The empty translation is the only one of the first
        # sentence, whose beam is not full before its other hypotheses are hopeless: at their limit.
        assert model.rows_seen[:6] == [4, 12, 12, 6, 6, 6]
