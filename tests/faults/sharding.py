"""Bugs in what each process keeps of a model."""

from faults.fault import Fault

LAWS = "training/test_sharding.py::"

FAULTS = [
    Fault(
        "each process has shares of weights of its own",
        "training/sharding.py",
        "        dist.broadcast(weight.data, src=0)\n",
        "        pass\n",
        LAWS + "test_all_begin_with_the_weights_of_main_and_learn_from_the_mean_of_their_gradients",
    ),
    Fault(
        "layers are whole all the time that any is read",
        "training/sharding.py",
        "        fully_shard(layer, mesh=mesh)\n",
        "",
        LAWS + "test_a_layer_is_whole_only_while_it_is_read",
    ),
    Fault(
        "the weights of attention stay whole between the passes",
        "training/sharding.py",
        "layer.joined = False",
        "layer.joined = True",
        LAWS + "test_no_whole_weights_are_kept_for_the_pass_backwards",
    ),
    Fault(
        "a hollow copy has numbers",
        "training/sharding.py",
        "nn.Parameter(weight.new_empty(0),",
        "nn.Parameter(weight.detach().clone(),",
        LAWS + "test_a_copy_has_all_weights_for_a_block_and_none_of_them_after_it_whatever_happens",
    ),
    Fault(
        "a copy keeps its weights when a validation fails",
        "training/sharding.py",
        "        yield copy\n    finally:\n        _empty(copy)",
        "        yield copy\n    finally:\n        pass",
        LAWS + "test_a_copy_has_all_weights_for_a_block_and_none_of_them_after_it_whatever_happens",
    ),
    Fault(
        "what is measured is the share of one process",
        "training/sharding.py",
        "tensor.full_tensor().detach() if is_share(tensor)",
        "tensor.to_local().detach() if is_share(tensor)",
        LAWS + "test_all_begin_with_the_weights_of_main_and_learn_from_the_mean_of_their_gradients",
    ),
]
