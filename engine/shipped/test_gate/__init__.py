"""What the steps of the plan test_gate do. It runs in an interpreter of the host's: the standard library of 3.9 only."""
