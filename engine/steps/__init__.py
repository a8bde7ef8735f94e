"""Running one attempt of a step on this machine: processes, queries, secrets. Retries and order are the scheduler's."""
