"""A training of seconds, for tests of what happens to trainings."""

import hashlib

import torch

from seq2seq.data.batches import Batches
from seq2seq.data.order import BatchOrder
from seq2seq.files import RunFolder
from seq2seq.models.build import build_model
from seq2seq.training.schedule import ScheduleConfig
from seq2seq.training.settings import TrainingConfig
from seq2seq.training.trainer import Trainer
from seq2seq.training.weights import weights

from architectures import tiny_recurrent, tiny_transformer

VOCABULARY = 11
MODELS = {
    "transformer": tiny_transformer(dropout=0.3, attention_dropout=0.1, word_dropout=0.1, tied_embeddings="all"),
    "lstm": tiny_recurrent(dropout=0.3, input_feeding=True),
}


class Pairs:
    """Forty pairs of 1 to 9 tokens: the target is the source."""

    def __init__(self):
        draw = torch.Generator().manual_seed(3)
        lengths = torch.randint(1, 10, (40,), generator=draw).tolist()
        self.rows = [torch.randint(4, VOCABULARY, (n,), generator=draw).numpy() for n in lengths]
        self.source_lengths = self.target_lengths = torch.tensor(lengths).numpy()

    def __len__(self):
        return len(self.rows)

    def source(self, index):
        return self.rows[index]

    target = source


class Silent:
    def __init__(self):
        self.updates, self.validations = [], []

    def updated(self, record):
        self.updates.append(record)

    def validated(self, record):
        self.validations.append(record)


def no_measure(model):
    return {"loss": 0.0}


def trainer(folder, model_config=MODELS["transformer"], validate=no_measure, **settings):
    config = TrainingConfig(
        **{"updates": 12, "batch_tokens": 40, "validate_every": 5, "schedule": ScheduleConfig(peak=0.01, warmup=3)}
        | settings
    )
    pairs = Pairs()
    batches = Batches(pairs, BatchOrder(pairs.source_lengths, pairs.target_lengths, config.batch_tokens, 7))
    torch.manual_seed(5)
    return Trainer(
        build_model(model_config, VOCABULARY, VOCABULARY), batches, config, RunFolder(folder), validate, Silent()
    )


def digest(made):
    sums = hashlib.sha256()
    for name, tensor in sorted(weights(made.model).items()):
        moments = made.optimizer.state[tensor]
        for value in (tensor.detach(), *(moments[key] for key in sorted(moments))):
            sums.update(name.encode() + value.cpu().numpy().tobytes())
    return sums.hexdigest()


def stop_after(made, update):
    """Have the training stop, as a signal would, when it has made so many updates."""
    inner = made._update

    def update_then_stop(group):
        found = inner(group)
        made.stopping = made.position.update == update
        return found

    made._update = update_then_stop


def without_clock(records):
    return [{key: value for key, value in record.items() if key != "seconds"} for record in records]
