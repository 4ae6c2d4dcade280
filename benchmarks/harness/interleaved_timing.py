"""Functions -> the times of their calls, one call of each in turn within one process.

In turn, so that whatever else the machine does slows all of them alike.
"""

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

Result = TypeVar("Result")


def time_interleaved(
    subjects: Mapping[str, Callable[[], Result]], *, warm_up: int, repeats: int
) -> tuple[dict[str, list[float]], dict[str, Result]]:
    """The seconds of each call by subject, and the result of each subject's last call.

    A call must return the computed result, not a promise of it: then its time includes all of the work. The caller
    compares the results. warm_up: calls of each subject that are not timed, one at least.

    >>> times, results = time_interleaved({"ours": lambda: 1, "theirs": lambda: 1}, warm_up=1, repeats=3)
    >>> len(times["ours"]), results
    (3, {'ours': 1, 'theirs': 1})
    """
    results = {name: call() for _ in range(max(1, warm_up)) for name, call in subjects.items()}
    times: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(repeats):
        for name, call in subjects.items():
            begin = time.perf_counter()
            results[name] = call()
            times[name].append(time.perf_counter() - begin)
    return times, results
