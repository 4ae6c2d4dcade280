# make install, make demo, make test: each works on a fresh clone with Python 3.10 to 3.13 and make, and nothing else.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
INSTALLED := $(VENV)/installed
SOURCES := pipeline trainer benchmarks examples tests docs conftest.py setup.py
PRODUCT := pipeline trainer benchmarks
DEMO := out/demo
IMAGE ?= textrecords
FLEX_IMAGE ?= $(IMAGE)-flex

.PHONY: help install demo check light test test-cluster cluster-tools soak bench lint format types docs lock image flex-template clean

help:
	@echo "make install  a virtual environment in .venv with everything in it"
	@echo "make demo     the whole way once, on the built-in sample: records, model, predictions"
	@echo "make check    in a minute: lint, types, unit tests and the rules on folders"
	@echo "make test     make check, and all other tests"
	@echo "make test-cluster  the job on a job server and two pools of workers, as on a cluster; needs Go"
	@echo "make soak     kills, damage and load for about two hours: docs/reliability.md; python -m tests.soak --help"
	@echo "make bench    all benchmarks, for hours; python -m benchmarks --help tells how to run one"
	@echo "make format   formats the code;  make lint, make types: only these"
	@echo "make docs     builds the documentation in out/docs, its numbers and pictures made by the product; warnings are errors"
	@echo "make lock     resolves requirements.lock anew from pyproject.toml; needs uv"
	@echo "make image    builds the image for workers on a cluster; IMAGE=registry/name:tag names it"
	@echo "make flex-template  builds make image with Google's launcher in it, for a Flex Template of Dataflow; FLEX_IMAGE names it"

install: $(INSTALLED)

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if (3, 10) <= v < (3, 14) else \
	    f"Python {v[0]}.{v[1]} is too old or too new: install 3.10 to 3.13 and call make PYTHON=python3.x")'
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --no-compile --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@# pip compiles with one process, 90 s of CPU. Some packages hold templates that are no Python, so errors are no news.
	@PYTHONWARNINGS=ignore $(RUN) -m compileall -qq -j 0 $(VENV)/lib || true
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: install
	@$(RUN) -m pipeline run --output.path $(DEMO)/records --overwrite
	@$(RUN) -m pipeline describe $(DEMO)/records
	@$(RUN) -m trainer train --output.path $(DEMO)/records --training.path $(DEMO)/training --export.path $(DEMO)/model
	@$(RUN) -m trainer predict --model $(DEMO)/model \
	    "Not bad at all, as I had feared." "Not good at all, as I had feared."
	@echo "look at $(DEMO)/records/report.html and $(DEMO)/training/training.html; ask on with"
	@echo "  $(RUN) -m trainer predict --model $(DEMO)/model 'your own text'"
	@echo "  $(RUN) -m trainer explain --model $(DEMO)/model 'not bad at all'"

# A process a core, four at most: those of other tiers each hold TensorFlow. A file's tests share what they set up, so they
# stay together. In the order of their names: xdist's own, files of many tests first, leaves long files of few tests to one
# core at the end (597 s against 653 on 2 cores). tests/graph runs by itself, since Beam is blocked there.
PARALLEL := --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# The types, which take one core 31 s in a fresh clone, are checked beside the tests.
check: install lint
	@$(MAKE) --no-print-directory --jobs=2 types light

# Neither TensorFlow nor Beam is loaded: tests/README.md.
light: install
	$(RUN) -m pytest tests/unit tests/architecture tests/support $(PRODUCT) --doctests light $(PARALLEL)

test: check
	$(RUN) -m pytest tests/graph $(PARALLEL)
	$(RUN) -m pytest tests/job tests/commands tests/systems tests/support $(PRODUCT) --doctests heavy $(PARALLEL)

# Beam's own programs of the version that is installed: Prism, a job server, and what starts workers in its images.
cluster-tools: install
	@version=$$($(RUN) -c 'from importlib.metadata import version; print(version("apache-beam"))') && \
	tools=$(CURDIR)/.cluster-tools/beam-$$version && \
	if test -x $$tools/prism -a -x $$tools/container; then exit; fi && \
	echo "builds Prism and Beam's boot program in $$tools" && \
	GOBIN=$$tools go install github.com/apache/beam/sdks/v2/go/cmd/prism@v$$version \
	    github.com/apache/beam/sdks/v2/python/container@v$$version

test-cluster: install
	@if command -v go > /dev/null; then \
	    $(MAKE) --no-print-directory cluster-tools && $(RUN) -m pytest tests/cluster; \
	else \
	    echo "test-cluster: SKIPPED, for there is no Go here to build Beam's job server and boot program with"; \
	fi

soak: install
	$(RUN) -m tests.soak

bench: install
	$(RUN) -m benchmarks all
	$(RUN) -m benchmarks table

lint: install
	$(RUN) -m ruff check $(SOURCES)
	$(RUN) -m ruff format --check $(SOURCES)

format: install
	$(RUN) -m ruff format $(SOURCES)
	$(RUN) -m ruff check --fix $(SOURCES)

types: install
	$(RUN) -m mypy

docs: install
	$(RUN) -m sphinx --builder html --fail-on-warning --nitpicky --keep-going --quiet docs out/docs
	@echo "open out/docs/index.html"

lock:
	uv pip compile --universal --python-version 3.10 --generate-hashes --extra test --extra docs \
	    --no-header --no-emit-index-url --no-emit-find-links --output-file requirements.lock pyproject.toml

image: install
	docker build --platform linux/amd64 --tag $(IMAGE) \
	    --build-arg PYTHON=$$($(RUN) -c 'import sys; print("%d.%d" % sys.version_info[:2])') \
	    --build-arg BEAM=$$($(RUN) -c 'import importlib.metadata as m; print(m.version("apache-beam"))') .
	@echo "docker push $(IMAGE), and start jobs with --sdk_container_image=$(IMAGE)"

flex-template: image
	docker build --platform linux/amd64 --tag $(FLEX_IMAGE) --file flex-template/Dockerfile \
	    --build-arg IMAGE=$(IMAGE) --build-arg TEMPLATE_IMAGE=$(FLEX_IMAGE) .
	@echo "docker push $(FLEX_IMAGE), and: gcloud dataflow flex-template build gs://BUCKET/textrecords.json" \
	    "--image $(FLEX_IMAGE) --sdk-language PYTHON --metadata-file flex-template/metadata.json"

clean:
	rm -rf out $(VENV) .venv-benchmarks .cluster-tools build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
