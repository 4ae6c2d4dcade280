# A worker of Beam's with everything that the lock file pins in it: it starts without installing anything, which by
# --setup_file every worker does for itself, TensorFlow included. `make image` builds it.
#
# Both must be those of the machine that starts jobs: functions are shipped as pickles, and Beam speaks to its own kind.
ARG PYTHON=3.11
ARG BEAM=2.77.0
FROM apache/beam_python${PYTHON}_sdk:${BEAM}

WORKDIR /opt/textrecords
# First, so that a change of the code alone builds in seconds.
COPY requirements.lock ./
RUN pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes -r requirements.lock

COPY CHANGELOG.md MANIFEST.in README.md pipeline.yaml pyproject.toml setup.py ./
COPY pipeline pipeline
COPY trainer trainer
RUN pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation . \
    && cd / && python -c "import pipeline.job.build"

# The entry point stays Beam's: it starts the workers.
