"""Every architecture learns to reverse strings it has not seen, within a budget of updates."""

import pytest
import torch

from seq2seq.data.batches import collate
from seq2seq.models.build import build_model
from seq2seq.models.recurrent import RecurrentConfig
from seq2seq.models.transformer import LearnedConfig, TransformerConfig
from seq2seq.search.greedy import greedy_search
from seq2seq.search.limits import SearchConfig
from seq2seq.tokens import SPECIAL
from seq2seq.training.objective import batch_loss

pytestmark = pytest.mark.slow

SYMBOLS = 10
FIRST = max(SPECIAL) + 1  # the id of the first symbol
ROWS = 64  # strings a batch
TRIALS = 500
ASKED_FOR = 0.99  # share of strings reversed without a mistake


def strings(count, longest, random):
    """Strings of 1 to `longest` symbols, each length as likely."""
    lengths = torch.randint(1, longest + 1, (count,), generator=random).tolist()
    return [torch.randint(FIRST, FIRST + SYMBOLS, (length,), generator=random).tolist() for length in lengths]


def reversing(rows):
    return collate(rows, [row[::-1] for row in rows], range(len(rows)))


def learn(config, *, longest, updates, peak):
    """A model of `config` after `updates` steps of Adam, its rate rising for a tenth of them, then falling to zero."""
    torch.manual_seed(0)
    random = torch.Generator().manual_seed(1)
    model = build_model(config, FIRST + SYMBOLS, FIRST + SYMBOLS).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=peak, betas=(0.9, 0.98))
    for update in range(updates):
        done = (update + 1) / updates
        optimizer.param_groups[0]["lr"] = peak * min(done / 0.1, (1 - done) / 0.9)
        batch = reversing(strings(ROWS, longest, random))
        loss = batch_loss(model, batch, label_smoothing=0.0)
        optimizer.zero_grad()
        (loss.smoothed / batch.target_tokens).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model.eval()


def share_reversed(model, longest):
    rows = strings(TRIALS, longest, torch.Generator().manual_seed(2))
    batch = reversing(rows)
    found = greedy_search(model, batch.source, batch.source_mask, SearchConfig())
    return sum(list(one.tokens) == row[::-1] for one, row in zip(found, rows, strict=True)) / TRIALS


def transformer(**changes):
    sizes = {"encoder_layers": 2, "decoder_layers": 2, "model_dim": 64, "feed_forward_dim": 128, "num_heads": 4}
    return TransformerConfig(**{**sizes, "dropout": 0.0, **changes})


def recurrent(**changes):
    sizes = {"encoder_layers": 1, "decoder_layers": 1, "embedding_dim": 32, "hidden_dim": 64}
    return RecurrentConfig(**{**sizes, "dropout": 0.0, **changes})


WITH_ATTENTION = {  # the updates and the highest rate that each is given for strings of up to 10 symbols
    "transformer, norm before": (transformer(), 1000, 2e-3),
    "transformer, norm after": (transformer(norm="after"), 1000, 1e-3),
    "transformer, learned positions": (transformer(positions=LearnedConfig(length=32)), 1000, 2e-3),
    "lstm, general": (recurrent(cell="lstm"), 700, 5e-3),
    "gru, general": (recurrent(cell="gru"), 700, 5e-3),
    "rnn, general": (recurrent(cell="rnn"), 700, 3e-3),
    "lstm, additive": (recurrent(cell="lstm", attention="additive"), 700, 5e-3),
    "lstm, dot": (recurrent(cell="lstm", attention="dot"), 700, 5e-3),
    "lstm, concat": (recurrent(cell="lstm", attention="concat"), 700, 5e-3),
    "lstm, general, input feeding": (recurrent(cell="lstm", input_feeding=True), 600, 5e-3),
    "gru, additive, input feeding": (recurrent(cell="gru", attention="additive", input_feeding=True), 600, 5e-3),
}
WITHOUT_ATTENTION = {  # likewise for strings of up to 8 symbols, all of which has to pass through one vector
    "lstm": (recurrent(cell="lstm", attention="none", hidden_dim=128), 2500, 5e-3),
    "gru": (recurrent(cell="gru", attention="none", hidden_dim=128), 2500, 5e-3),
    "rnn": (recurrent(cell="rnn", attention="none", hidden_dim=128), 3000, 2e-3),
}


@pytest.mark.parametrize("name", WITH_ATTENTION)
def test_with_attention_strings_of_up_to_ten_symbols_are_reversed(name):
    config, updates, peak = WITH_ATTENTION[name]
    assert share_reversed(learn(config, longest=10, updates=updates, peak=peak), longest=10) >= ASKED_FOR


@pytest.mark.parametrize("name", WITHOUT_ATTENTION)
def test_without_attention_strings_of_up_to_eight_symbols_are_reversed(name):
    config, updates, peak = WITHOUT_ATTENTION[name]
    assert share_reversed(learn(config, longest=8, updates=updates, peak=peak), longest=8) >= ASKED_FOR
