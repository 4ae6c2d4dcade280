"""Functions -> the times of their calls, taken in turn within one process.

In turn, so that whatever else the machine does meanwhile falls on all of them alike.
"""

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

Result = TypeVar("Result")


def time_in_turn(
    subjects: Mapping[str, Callable[[], Result]], *, warm_up: int, repeats: int
) -> tuple[dict[str, list[float]], dict[str, Result]]:
    """The seconds of each call by subject, and what each subject's last call returned.

    A call counts until its result is there: it must return what was computed, not the promise of it, and the caller
    compares the results.

    >>> times, results = time_in_turn({"ours": lambda: 1, "theirs": lambda: 1}, warm_up=1, repeats=3)
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
