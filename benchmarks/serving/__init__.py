"""Exported models: latency of requests, and time to load."""
