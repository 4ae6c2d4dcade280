"""The job's ways: tokens on this machine, tokens as for workers elsewhere, with a cache of counts."""
