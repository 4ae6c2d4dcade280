"""The job with 1, 2, 4 and 8 workers, one after the other on one core: what they share, and what no worker can take."""
