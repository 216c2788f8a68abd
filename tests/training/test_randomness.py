"""What is drawn is a function of the place in a training, another one at every place."""

import pytest
import torch

from seq2seq.training.randomness import seed_at, seed_generators

CPU = torch.device("cpu")


def drawn_at(*place):
    seed_generators(CPU, *place)
    return torch.rand(8).tolist()


def test_no_two_places_have_one_seed():
    """Nor its lower half, which is all that the CPU's generator takes."""
    places = [
        (seed, update, share, part)
        for seed in (1, 11)
        for update in range(130)
        for share in range(3)
        for part in range(3)
    ]
    seeds = {seed_at(*place) for place in places}
    assert len(seeds) == len({seed % 2**32 for seed in seeds}) == len(places)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_the_place_alone_decides_what_is_drawn():
    first = drawn_at(1, 12, 0, 0)
    torch.rand(3)
    assert drawn_at(1, 12, 0, 0) == first
    for other in ((2, 12, 0, 0), (1, 13, 0, 0), (1, 12, 1, 0), (1, 12, 0, 1), (11, 2, 0, 0)):
        assert drawn_at(*other) != first


@pytest.mark.parametrize("index", [0, 1])
def test_the_generator_of_the_device_is_seeded_and_no_other(monkeypatch, index):
    generators = (torch.Generator(), torch.Generator())
    before = generators[1 - index].initial_seed()
    monkeypatch.setattr(torch.cuda, "default_generators", generators)
    seed_generators(torch.device("cuda", index), 1, 12, 0, 0)
    assert generators[index].initial_seed() == torch.default_generator.initial_seed() == seed_at(1, 12, 0, 0)
    assert generators[1 - index].initial_seed() == before
