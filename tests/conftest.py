"""Shape annotations are checked while the tests run, and every architecture is there to be tried."""

from jaxtyping import install_import_hook

install_import_hook("seq2seq", "beartype.beartype")

import os

import pytest
import torch

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # a test that reaches for the network is a bug

from architectures import SOURCE_VOCABULARY, TINY, tiny_model


@pytest.fixture(params=TINY)
def model(request):
    return tiny_model(request.param)


@pytest.fixture
def sources():
    """Three sentences of 5, 3 and 1 tokens, padded."""
    ids = torch.randint(4, SOURCE_VOCABULARY, (3, 5), generator=torch.Generator().manual_seed(1))
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]], dtype=torch.bool)
    return ids, mask
