"""The engine room: plans, the scheduler core, step execution and the five stages. Knows neither SQLite files nor a screen."""
