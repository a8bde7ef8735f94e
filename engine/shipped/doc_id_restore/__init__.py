"""What the steps of the plan doc_id_restore do. It runs in an interpreter of the host's: the standard library of 3.9 only."""
