"""pipeline.support.stop_signals: Ctrl-C, TERM and HUP, sent to this process."""

import os
import signal
import threading
from collections.abc import Callable
from typing import NoReturn

import pytest

from pipeline.errors import UserError
from pipeline.support import exit_status
from pipeline.support.exit_status import run_command
from pipeline.support.stop_signals import Stopped, deferred_stop, raise_if_stopped, stop_signals

INT, TERM, HUP = signal.SIGINT, signal.SIGTERM, signal.SIGHUP


def stopped_by(number: signal.Signals) -> int:
    signal.raise_signal(number)
    return 0


def swallowed() -> int:
    try:
        signal.raise_signal(TERM)
    except BaseException as error:
        raise UserError("a file can't be read") from error
    return 0


def swallowed_without_trace() -> int:
    try:
        signal.raise_signal(TERM)
    except KeyboardInterrupt:
        raise_if_stopped()
    return 0


class StopsWhenFreed:
    def __del__(self) -> None:
        signal.raise_signal(HUP)


def lost_in_a_destructor() -> int:
    freed = StopsWhenFreed()
    del freed
    threading.Event().wait(60)  # the signal ends it
    return 0


# command -> exit status
COMMANDS: list[tuple[Callable[[], int], int]] = [
    (lambda: stopped_by(INT), 130),
    (lambda: stopped_by(TERM), 143),
    (lambda: stopped_by(HUP), 129),
    (swallowed, 143),  # the mistake is no mistake of the user's
    (swallowed_without_trace, 143),
    (lost_in_a_destructor, 129),
]


@pytest.mark.parametrize(("command", "status"), COMMANDS, ids=["INT", "TERM", "HUP", "error", "swallowed", "lost"])
def test_stop_signals_give_an_exit_status_and_one_line(
    command: Callable[[], int], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    before = [signal.getsignal(number) for number in (INT, TERM, HUP)]
    assert run_command("pipeline", command) == status
    assert capsys.readouterr().err == "pipeline: interrupted\n"
    assert [signal.getsignal(number) for number in (INT, TERM, HUP)] == before


def test_stop_signals_that_were_ignored_at_the_start_stay_ignored() -> None:
    before = signal.signal(HUP, signal.SIG_IGN)  # nohup
    try:
        assert run_command("pipeline", lambda: stopped_by(HUP)) == 0
    finally:
        signal.signal(HUP, before)


def test_stop_signals_wait_for_cleaning_up() -> None:
    done = []

    def clean_up() -> None:
        with deferred_stop():
            with deferred_stop():
                signal.raise_signal(TERM)
                done.append("inner")
            done.append("outer")
            signal.raise_signal(TERM)
        done.append("never")

    with stop_signals(), pytest.raises(Stopped):
        clean_up()
    assert done == ["inner", "outer"]


# seconds between two signals -> the exit status if the process ends at once
SECOND = [(0.5, None), (1.5, 143)]


@pytest.mark.parametrize(("seconds", "status"), SECOND)
def test_stop_signals_second_one_ends_the_process_at_once(
    seconds: float, status: int | None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    now = [7.0]
    ended: list[int] = []
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr("os._exit", ended.append)

    def command() -> int:
        try:
            signal.raise_signal(TERM)
        finally:
            now[0] += seconds
            with deferred_stop():
                os.kill(os.getpid(), INT)
        return 0

    assert run_command("pipeline", command) == 143
    assert ended == ([] if status is None else [status])
    assert capfd.readouterr().err.count("stopped again") == len(ended)


def test_stop_signals_second_one_ends_the_process_if_standard_error_has_no_reader(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [7.0]
    ended: list[int] = []

    def write(*_: object) -> int:
        raise BrokenPipeError

    def command() -> int:
        monkeypatch.setattr("os.write", write)
        with deferred_stop():
            signal.raise_signal(TERM)
            now[0] += 1.5
            signal.raise_signal(TERM)
        return 0

    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr("os._exit", ended.append)
    assert run_command("pipeline", command) == 143
    assert ended == [143]


def test_stop_signals_after_the_end_of_the_command_give_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    class Left(BaseException):
        pass

    def leave(status: int) -> NoReturn:
        raise Left(status)

    monkeypatch.setattr(exit_status, "run_command", lambda *_: stopped_by(TERM))
    monkeypatch.setattr(exit_status, "leave", leave)
    with pytest.raises(Left) as left:
        exit_status.run_process("pipeline", lambda: 0)
    assert left.value.args == (143,)


def test_stop_signals_in_a_thread_change_nothing() -> None:
    statuses: list[int] = []
    thread = threading.Thread(target=lambda: statuses.append(run_command("pipeline", lambda: 5)))
    thread.start()
    thread.join()
    assert statuses == [5]
