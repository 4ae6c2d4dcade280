"""`python -m trainer`."""

from pipeline.support.exit_status import run_process


def _main() -> int:
    # It takes 0.3 s, and Ctrl-C may come meanwhile.
    from trainer.cli import main

    return main()


if __name__ == "__main__":
    run_process("trainer", _main)
