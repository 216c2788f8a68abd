"""Recurrent layers against torch's bidirectional ones on packed sequences."""

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.testing import assert_close

from seq2seq.layers.recurrent_layers import CELLS, last_vectors, recurrent_layers, turned_round

ROWS, SOURCE, INPUT, OUTPUT, DEPTH = 4, 6, 5, 8, 2
LENGTHS = [6, 4, 2, 1]
MASK = torch.arange(SOURCE) < torch.tensor(LENGTHS).unsqueeze(1)


def layers_and_their_twin(cell, *, bidirectional):
    """Our stack and torch's, with the same random weights."""
    torch.manual_seed(0)
    ours = recurrent_layers(cell, (INPUT, OUTPUT), DEPTH, bidirectional=bidirectional)
    width = OUTPUT // 2 if bidirectional else OUTPUT
    theirs = CELLS[cell](INPUT, width, DEPTH, bidirectional=bidirectional, batch_first=True)
    for index, layer in enumerate(ours):
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            ends = {"": layer.rightward, "_reverse": layer.leftward} if bidirectional else {"": layer.rnn}
            for end, rnn in ends.items():
                getattr(theirs, f"{name}_l{index}{end}").data.copy_(getattr(rnn, f"{name}_l0").data)
    return ours, theirs


def run(ours, x):
    for layer in ours:
        x = layer(x, MASK)
    return x


def run_packed(theirs, x):
    packed, last = theirs(pack_padded_sequence(x, torch.tensor(LENGTHS), batch_first=True))
    outputs, _ = pad_packed_sequence(packed, batch_first=True)
    return outputs, last[0] if isinstance(last, tuple) else last


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("cell", CELLS)
def test_equals_torch_on_packed_sequences(cell, bidirectional):
    ours, theirs = layers_and_their_twin(cell, bidirectional=bidirectional)
    x = torch.randn(ROWS, SOURCE, INPUT)
    expected, _ = run_packed(theirs, x)
    assert_close(run(ours, x)[MASK], expected[MASK])


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("cell", CELLS)
def test_the_last_vectors_are_the_last_states_of_torch(cell, bidirectional):
    ours, theirs = layers_and_their_twin(cell, bidirectional=bidirectional)
    x = torch.randn(ROWS, SOURCE, INPUT)
    _, last = run_packed(theirs, x)  # (layer x direction) row width
    expected = torch.cat((last[-2], last[-1]), dim=-1) if bidirectional else last[-1]
    assert_close(last_vectors(run(ours, x), MASK, bidirectional=bidirectional), expected)


def test_turning_round_keeps_the_padding_where_it_is():
    assert turned_round(MASK).tolist() == [
        [5, 4, 3, 2, 1, 0],
        [3, 2, 1, 0, 4, 5],
        [1, 0, 2, 3, 4, 5],
        [0, 1, 2, 3, 4, 5],
    ]


def test_turning_round_twice_changes_nothing():
    once = turned_round(MASK)
    assert torch.equal(once.gather(1, once), torch.arange(SOURCE).expand(ROWS, -1))


def test_a_layer_of_one_direction_knows_nothing_of_what_follows():
    torch.manual_seed(0)
    (layer,) = recurrent_layers("gru", (INPUT, OUTPUT), 1, bidirectional=False)
    x = torch.randn(ROWS, SOURCE, INPUT)
    changed = x.clone()
    changed[:, 3:] += 1
    assert_close(layer(changed, MASK)[:, :3], layer(x, MASK)[:, :3])


def test_an_odd_width_for_two_directions_is_refused():
    with pytest.raises(ValueError, match="must be even, not 7"):
        recurrent_layers("rnn", (INPUT, 7), 1, bidirectional=True)
