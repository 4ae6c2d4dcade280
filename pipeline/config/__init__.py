"""pipeline.yaml and the command line -> checked, frozen settings."""
