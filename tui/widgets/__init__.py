"""Widgets, each with its own style beside it. They draw; they do not fetch."""
