"""What the steps of the plan safe_merge do. It runs in an interpreter of the host's: the standard library of 3.9 only."""
