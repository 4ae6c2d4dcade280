"""Ctrl-C, TERM and HUP -> one exception in the main thread, so that a command cleans up before it ends.

    first signal    `Stopped` is raised in the main thread, or at the end of `deferred_stop` if that is going on
    second signal   the process ends at once, as after SIGKILL; the next run removes what is left

A wrapper may pass on a signal that the terminal has sent to all processes already. So a second signal within a second
does not count. A signal that was ignored when the process started (nohup) stays ignored.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final, NoReturn

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# A shell's status of a process that a signal ended.
_STATUS_OF_SIGNALS: Final = 128
# Two signals within this time are one: a person does not press Ctrl-C again so soon.
_SECONDS_OF_ONE_STOP: Final = 1.0
# Until a lost exception is raised again: then the callback that lost it has ended.
_SECONDS_TO_REPEAT: Final = 0.01


class Stopped(KeyboardInterrupt):
    """A signal asked the command to end."""


class _State:
    """What the process has received. first: the signal, None before it. deferrals: contexts that hold it back."""

    is_handled = False
    first: signal.Signals | None = None
    received_at = 0.0
    deferrals = 0
    is_due = False
    unraisablehook = staticmethod(sys.__unraisablehook__)


_state: Final = _State()


@contextmanager
def stop_signals() -> Iterator[None]:
    """Within it, the signals raise `Stopped` in the main thread; afterwards they do what they did before.

    In a thread, and within another such context, it changes nothing.
    """
    if _state.is_handled or not _is_main_thread():
        yield
        return
    _state.is_handled = True
    _state.unraisablehook = sys.unraisablehook
    # None: code that is not Python's handles it.
    before = {number: handler for number in STOP_SIGNALS if (handler := signal.getsignal(number)) is not None}
    before = {number: handler for number, handler in before.items() if handler != signal.SIG_IGN}
    try:
        sys.unraisablehook = _raise_later
        for number in before:
            signal.signal(number, _receive)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        sys.unraisablehook = _state.unraisablehook
        vars(_state).clear()


@contextmanager
def deferred_stop() -> Iterator[None]:
    """Within it, a signal waits: for what must not be cut in two, as cleaning up."""
    if not _is_main_thread():
        yield
        return
    _state.deferrals += 1
    try:
        yield
    finally:
        _state.deferrals -= 1
        if _state.is_due and not _state.deferrals:
            _raise()


def stop_status() -> int | None:
    """The exit status after the signal that was received: 128 + its number; None if there was none."""
    return None if _state.first is None else _STATUS_OF_SIGNALS + _state.first


def raise_if_stopped() -> None:
    """Raises `Stopped` if a signal was received. Other people's code may have swallowed the first exception."""
    if _state.first is not None and _is_main_thread():
        _raise()


def ignore_stop_signals() -> None:
    """From now on the signals do nothing: the process ends anyway, or its parent ends it."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _receive(number: int, frame: FrameType | None) -> None:
    del frame
    now = time.monotonic()
    if _state.first is None:
        _state.first, _state.received_at = signal.Signals(number), now
        _state.is_due = True
        if not _state.deferrals:
            _raise()
    elif now - _state.received_at > _SECONDS_OF_ONE_STOP:
        with suppress(OSError):  # nobody reads standard error any more
            os.write(2, b"stopped again: ends without cleaning up; the next run does that\n")
        os._exit(_STATUS_OF_SIGNALS + _state.first)


def _raise() -> NoReturn:
    _state.is_due = False
    raise Stopped(_state.first)


def _raise_later(unraisable: "sys.UnraisableHookArgs") -> None:
    """Python calls a destructor or a callback of its importer where nobody can catch: there the exception is lost."""
    if not isinstance(unraisable.exc_value, Stopped):
        _state.unraisablehook(unraisable)
        return
    _state.is_due = True
    if not _state.deferrals:
        first, _state.first = _state.first, None
        threading.Timer(_SECONDS_TO_REPEAT, os.kill, [os.getpid(), first]).start()


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
