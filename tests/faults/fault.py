"""What a planted bug is, and the laws that several are to break."""

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
PROCESSES = "training/test_trainer_processes.py::test_the_loss_and_the_gradient_of_two_processes_are_those_of_one"
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
