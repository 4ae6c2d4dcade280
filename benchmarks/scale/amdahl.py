"""CPU seconds of a job's parts -> its time with N workers, and the share that no worker can take over.

A job is what the command does alone (imports, graphs, Beam's translation) and stages one after the other. A stage ends
when its slowest worker ends. By Amdahl's formula a job with N workers takes at least serial + parallel / N seconds. So
it never becomes faster than 1 / share, where share = serial / (serial + parallel). (G. M. Amdahl, Validity of the
single processor approach to achieving large scale computing capabilities, AFIPS 1967.)
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Stage(NamedTuple):
    """A stage of the job.

    name: of one of its steps. is_divided: whether its input has parts for several workers. busy: CPU seconds of each
    worker that got a part. idle: of the slowest worker that got none, to find that out. runner: CPU seconds of the
    runner, before and after its workers.
    """

    name: str
    is_divided: bool
    busy: Sequence[float]
    idle: float = 0.0
    runner: float = 0.0

    @property
    def seconds(self) -> float:
        """How long it takes if each worker has a core of its own."""
        return self.runner + max([self.idle, *self.busy])

    @property
    def serial(self) -> float:
        """The seconds of it that no worker can take over."""
        return self.runner if self.is_divided else self.seconds


class Job(NamedTuple):
    """A job with some number of workers: CPU seconds of what the command does alone, by part, and the stages.

    >>> count = Stage("count", is_divided=True, busy=(4.0, 6.0), runner=0.5)
    >>> finalize = Stage("finalize", is_divided=False, busy=(0.25,), idle=0.125)
    >>> job = Job(2, {"imports": 3.0}, (count, finalize))
    >>> job.seconds  # 3 + (0.5 + 6) + 0.25
    9.75
    >>> job.serial, job.parallel, job.waiting  # 3 + 0.5 + 0.25; 4 + 6; 6 - (4 + 6) / 2
    (3.75, 10.0, 1.0)
    """

    workers: int
    alone: Mapping[str, float]
    stages: Sequence[Stage]

    @property
    def seconds(self) -> float:
        """How long it takes if each worker has a core of its own."""
        return sum(self.alone.values()) + sum(stage.seconds for stage in self.stages)

    @property
    def serial(self) -> float:
        """Seconds of what one process does while all others wait."""
        return sum(self.alone.values()) + sum(stage.serial for stage in self.stages)

    @property
    def parallel(self) -> float:
        """CPU seconds of what is divided among the workers."""
        return sum(sum(stage.busy) for stage in self.stages if stage.is_divided)

    @property
    def waiting(self) -> float:
        """Seconds by which the slowest worker of each stage takes longer than an even division would."""
        return self.seconds - least_seconds(self.serial, self.parallel, workers=self.workers)


def serial_share(serial: float, parallel: float) -> float:
    """Amdahl's share of a job, 0 to 1; seconds of what can't be divided, and of what can.

    >>> serial_share(5, 15)
    0.25
    """
    return serial / (serial + parallel)


def least_seconds(serial: float, parallel: float, *, workers: int) -> float:
    """The time of a job whose parallel part is divided evenly.

    >>> least_seconds(5, 16, workers=8)
    7.0
    """
    return serial + parallel / workers


def efficiency(one: float, many: float, *, workers: int) -> float:
    """The share of N workers' time that is of use, 0 to 1; seconds with one worker, and with N.

    >>> efficiency(40, 10, workers=8)  # 4 times faster
    0.5
    """
    return one / (workers * many)
