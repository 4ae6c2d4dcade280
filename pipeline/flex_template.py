"""What Google's launcher of Flex Templates runs: its parameters -> `python -m pipeline run` with our settings.

The launcher gives `--template_location`: the command writes the job's graph there and ends, and the service starts the
job. flex-template/main.py calls `run`.
"""

import os
import sys

from pipeline.cli import main
from pipeline.config.template_parameters import run_arguments
from pipeline.support.exit_status import run_process


def run() -> None:
    """Runs the command, and ends the process with its exit status."""
    run_process("pipeline", lambda: main(run_arguments(sys.argv[1:], os.environ)))
