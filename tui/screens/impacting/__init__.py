"""The parts of the Impact screen: what it shows of an asset."""
