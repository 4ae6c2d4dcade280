"""`python -m pipeline`."""

from pipeline.support.exit_status import run_command
from pipeline.support.process import leave
from pipeline.support.stop_signals import stop_signals


def _main() -> int:
    # It takes 0.3 s, and Ctrl-C may come meanwhile.
    from pipeline.cli import main

    return main()


if __name__ == "__main__":
    # The signals are handled to the end: no moment is left in which Ctrl-C would show a traceback.
    with stop_signals():
        leave(run_command("pipeline", _main))
