"""`python -m trainer`."""

from pipeline.support.process import leave
from trainer.cli import main

if __name__ == "__main__":
    leave(main())
