"""`python -m trainer`."""

from pipeline.process import leave
from trainer.cli import main

if __name__ == "__main__":
    leave(main())
