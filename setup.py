"""The package for Dataflow's `--setup_file ./setup.py`; all of its metadata is in pyproject.toml."""

from setuptools import setup

setup()
