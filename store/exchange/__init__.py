"""Traces in and out: one JSON document a run."""
