"""Where a job runs: the runner, its options, its workers, and how it is watched."""
