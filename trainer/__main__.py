"""`python -m trainer`."""

import signal


def _main() -> int:
    # It takes 0.3 s, and Ctrl-C may come meanwhile.
    from trainer.cli import main

    return main()


def _run() -> None:
    # Until run_process handles signals, Ctrl-C ends the process at once and without a traceback.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from pipeline.support.exit_status import run_process

    run_process("trainer", _main)


if __name__ == "__main__":
    _run()
