"""Recurrent decoders in NumPy, one position at a time, as the papers write them.

Cells: Elman 1990; Hochreiter & Schmidhuber 1997 with forget gates (Gers et al. 2000); Cho et al. 2014, with the
reset gate behind the product, as cuDNN computes it. Attention: Luong et al. 2015; Bahdanau et al. 2015.

`weights` are a model's own, by name: W reads the input, U the state, b and c are their biases.
"""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def rnn(x, state, w, u, b, c):
    (h,) = state
    return (np.tanh(w @ x + b + u @ h + c),)


def lstm(x, state, w, u, b, c):
    h, cell = state
    i, f, g, o = np.split(w @ x + b + u @ h + c, 4)
    cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(cell), cell


def gru(x, state, w, u, b, c):
    (h,) = state
    reset_x, update_x, new_x = np.split(w @ x + b, 3)
    reset_h, update_h, new_h = np.split(u @ h + c, 3)
    reset, update = sigmoid(reset_x + reset_h), sigmoid(update_x + update_h)
    new = np.tanh(new_x + reset * new_h)
    return ((1 - update) * new + update * h,)


CELLS = {"rnn": rnn, "lstm": lstm, "gru": gru}
KINDS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")  # W, U, b, c
PARTS = {"rnn": 1, "lstm": 2, "gru": 1}


def score(kind, weights, query, encoded):
    name = "decoder.attentional.attention"
    if kind == "dot":
        return query @ encoded
    if kind == "general":
        return query @ weights[f"{name}.weight.weight"] @ encoded
    if kind == "concat":
        inner = weights[f"{name}.joined.weight"] @ np.concatenate((query, encoded))
    else:
        inner = weights[f"{name}.query.weight"] @ query + weights[f"{name}.query.bias"]
        inner = inner + weights[f"{name}.key.weight"] @ encoded
    return weights[f"{name}.score.weight"][0] @ np.tanh(inner)


def attentional(kind, weights, output, tokens):
    """Luong et al. 2015, equation 5: tanh(W [context; output])."""
    scores = np.array([score(kind, weights, output, token) for token in tokens])
    shares = np.exp(scores - scores.max())
    context = shares / shares.sum() @ tokens
    name = "decoder.attentional.combine"
    return np.tanh(weights[f"{name}.weight"] @ np.concatenate((context, output)) + weights[f"{name}.bias"])


def first_states(config, weights, summary):
    """tanh(W summary + b), its parts and within them its layers one after another."""
    parts, layers = PARTS[config.cell], config.decoder_layers
    if config.bridge == "none":
        return [tuple(np.zeros(config.hidden_dim) for _ in range(parts)) for _ in range(layers)]
    bridge = "decoder.reader.bridge.linear"
    flat = np.tanh(weights[f"{bridge}.weight"] @ summary + weights[f"{bridge}.bias"])
    pieces = flat.reshape(parts, layers, config.hidden_dim)
    return [tuple(pieces[part, layer] for part in range(parts)) for layer in range(layers)]


def summary(config, tokens):
    """The mean of the encoded tokens, or the last of each direction."""
    if config.bridge == "mean":
        return tokens.mean(axis=0)
    half = config.hidden_dim // 2 if config.bidirectional else config.hidden_dim
    return np.concatenate((tokens[-1, :half], tokens[0, half:]))


def features(config, weights, tokens, target):
    """What the decoder makes of each of the `target` ids, `tokens` being the encoded source without padding."""
    states = first_states(config, weights, summary(config, tokens))
    fed, found = np.zeros(config.hidden_dim), []
    for token in target:
        x = weights["decoder.reader.embedding.table.weight"][token]
        if config.input_feeding:
            x = np.concatenate((x, fed))
        for layer in range(config.decoder_layers):
            gates = [weights[f"decoder.reader.rnn.{kind}_l{layer}"] for kind in KINDS]
            states[layer] = CELLS[config.cell](x, states[layer], *gates)
            x = states[layer][0]
        fed = x if config.attention == "none" else attentional(config.attention, weights, x, tokens)
        found.append(fed)
    return np.stack(found)
