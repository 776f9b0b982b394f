"""The first signal asks a run to stop, and a second Ctrl-C ends it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from toonlab.utils.signals import Interrupted, Signals, ignore_interrupt


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_remembered_and_handlers_come_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with Signals() as signals:
        assert signals.asked is None
        signal.raise_signal(number)
        assert signals.asked == number
    assert signal.getsignal(number) is before


def test_the_second_interrupt_leaves_at_once() -> None:
    with Signals() as signals:
        signal.raise_signal(signal.SIGINT)
        assert signals.asked == signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert not isinstance(KeyboardInterrupt(), Interrupted)


def test_an_interrupt_after_a_termination_leaves_and_a_second_termination_does_not() -> None:
    with Signals() as signals:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert signals.asked == signal.SIGTERM
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_in_another_thread_handlers_stay_as_they_are() -> None:
    before, seen = signal.getsignal(signal.SIGINT), []

    def work() -> None:
        with Signals() as signals:
            seen.append((signal.getsignal(signal.SIGINT), signals.asked))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(before, None)]


def test_interrupted_carries_the_signal_and_the_text() -> None:
    error = Interrupted(signal.SIGTERM, "stopped")
    assert (error.number, str(error)) == (signal.SIGTERM, "stopped")
    assert isinstance(error, KeyboardInterrupt)


def test_a_data_worker_ignores_an_interrupt() -> None:
    code = (
        "import signal; from toonlab.utils.signals import ignore_interrupt\n"
        "ignore_interrupt(0); signal.raise_signal(signal.SIGINT); print('alive')"
    )
    assert ignore_interrupt.__module__ == "toonlab.utils.signals"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "alive\n"
