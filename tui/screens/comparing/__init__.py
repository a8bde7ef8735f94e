"""The parts of the Compare screen: reading, lists, experiments, exports. What is said stands in the view models."""
