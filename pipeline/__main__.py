"""`python -m pipeline`."""

from pipeline.cli import main
from pipeline.support.process import leave

if __name__ == "__main__":
    leave(main())
