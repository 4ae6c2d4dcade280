"""What all tests share: TensorFlow on the CPU and quiet, the real reviews, and one small finished run."""

import os

# Before anything imports TensorFlow.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
