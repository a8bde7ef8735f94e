"""The five stages of a pass and the runner that drives the scheduler core."""
