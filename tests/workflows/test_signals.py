"""Being asked to stop, politely and at once."""

import signal

import pytest

from seq2seq.workflows.signals import stopped_by_signals

from tiny_training import trainer


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_stops_after_the_update_and_the_second_at_once(tmp_path, number):
    made = trainer(tmp_path)
    before = signal.getsignal(number)
    with stopped_by_signals(made) as received:
        signal.raise_signal(number)
        assert (made.stopping, received) == (True, [number])
        with pytest.raises(SystemExit) as left:
            signal.raise_signal(number)
    assert left.value.code == 128 + number
    assert signal.getsignal(number) == before
    assert not made.run()
    assert made.folder.checkpoints() == [made.folder.checkpoint(0)]
