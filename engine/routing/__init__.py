"""Routing: what a question in words leads to, by the rules of a routing policy. Pure, but for `planner`, which asks a model."""
