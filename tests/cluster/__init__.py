"""A cluster's parts on one machine, for trying out and for `make test-cluster`; no part of the package."""
