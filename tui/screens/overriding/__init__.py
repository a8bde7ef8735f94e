"""The parts of the Override screen: the list of what can be changed, and the versions of an asset."""
