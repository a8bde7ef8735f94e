-- A host by its name, in any case, or by its address.
SELECT name, ci_type, environment, site, address, os, cpus, memory_gb, team
FROM hosts WHERE name = lower(trim(:host)) OR address = trim(:host)
