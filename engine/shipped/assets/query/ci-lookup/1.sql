-- A host by its name, as it is written.
SELECT name, ci_type, environment, site, address, os, cpus, memory_gb, team
FROM hosts WHERE name = :host
