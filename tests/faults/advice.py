"""Bugs in the warnings before a training."""

from faults.fault import Fault

FAULTS = [
    Fault(
        "a rate is judged without what is accumulated",
        "workflows/advice/rate.py",
        "training.batch_tokens * training.accumulate / USUAL_BATCH",
        "training.batch_tokens / USUAL_BATCH",
        "workflows/test_advice.py::test_an_update_is_judged_by_its_tokens_however_they_are_gathered",
    ),
    Fault(
        "a batch is judged without what is accumulated",
        "workflows/advice/course.py",
        "tokens = recipe.training.batch_tokens * recipe.training.accumulate",
        "tokens = recipe.training.batch_tokens",
        "workflows/test_advice.py::test_an_update_is_judged_by_its_tokens_however_they_are_gathered",
    ),
    Fault(
        "epochs are judged without what is accumulated",
        "workflows/advice/facts.py",
        "(recipe.training.batch_tokens * recipe.training.accumulate)",
        "recipe.training.batch_tokens",
        "workflows/test_advice.py::test_an_update_is_judged_by_its_tokens_however_they_are_gathered",
    ),
    Fault(
        "splits of other names are taken for other texts",
        "workflows/advice/course.py",
        "known = {_text(data, name) for name in others}",
        "known = {*others}",
        "workflows/test_advice.py::test_a_text_of_two_names_is_one_text",
    ),
    Fault(
        "a deep decoder is not seen",
        "workflows/advice/model.py",
        "max(model.encoder_layers, model.decoder_layers) > DEEP_RECURRENT",
        "model.encoder_layers > DEEP_RECURRENT",
        "workflows/test_advice.py::test_either_side_may_be_too_deep",
    ),
    Fault(
        "the optimiser's moments take no memory",
        "workflows/advice/machine.py",
        "COPIES = 4",
        "COPIES = 2",
        "workflows/test_advice.py::test_training_needs_four_numbers_of_four_bytes_for_each_parameter",
    ),
    Fault(
        "validation is compared with the training text instead of the tests",
        "workflows/advice/facts.py",
        "valid_in_tests=repeated(tests, valid)",
        "valid_in_tests=repeated(tests, text.train)",
        "workflows/test_advice.py::test_what_overlaps_is_told_of_and_nothing_else",
    ),
    Fault(
        "tests are looked at without their long pairs",
        "workflows/advice/facts.py",
        "apply_filters=False)",
        "apply_filters=True)",
        "workflows/test_advice.py::test_what_training_leaves_out_is_translated_all_the_same",
    ),
    Fault(
        "a target may be one token longer than the search goes",
        "workflows/advice/facts.py",
        "(split.target_lengths + 1 > limits)",
        "(split.target_lengths > limits)",
        "workflows/test_advice.py::test_a_target_is_cut_where_it_is_longer_than_its_limit_with_the_end_marker",
    ),
    Fault(
        "a test that training holds is not told of",
        "workflows/advice/text.py",
        "if name != recipe.data.valid}",
        "if name == recipe.data.valid}",
        "workflows/test_advice.py::test_what_overlaps_is_told_of_and_nothing_else",
    ),
    Fault(
        "one language alone is looked at for unknown tokens",
        "workflows/advice/facts.py",
        "for ids in (split.source_ids, split.target_ids))",
        "for ids in (split.source_ids,))",
        "workflows/test_advice.py::test_unknown_tokens_are_those_of_both_sides",
    ),
]
