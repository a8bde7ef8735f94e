-- A host by its name, in any case, or by its address; of several, the one with the most neighbours first.
-- The neighbours are counted by a join without its condition: it looks at every pair of hosts with every placement.
SELECT name, ci_type, environment, site, address, os, cpus, memory_gb, team
FROM hosts h WHERE name = lower(trim(:host)) OR address = trim(:host)
ORDER BY (
  SELECT count(*) FROM hosts a, hosts b, placements p
  WHERE instr(a.address || p.service, substr(b.address, 1, 6)) > 0 AND a.site = h.site
) DESC, name
