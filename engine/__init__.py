"""The engine room: plans, the scheduler core, step execution and the five stages. Knows neither SQLite files nor a screen."""

__version__ = "0.1.0"
