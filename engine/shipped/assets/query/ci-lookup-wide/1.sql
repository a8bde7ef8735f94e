-- A host by what somebody may have typed of it: with a domain behind it, without the dash or the zero, part of an address.
WITH asked (short) AS (
  SELECT lower(trim(substr(trim(:host), 1, CASE
    WHEN trim(:host) GLOB '[0-9]*.[0-9]*' OR instr(trim(:host), '.') = 0 THEN length(trim(:host))
    ELSE instr(trim(:host), '.') - 1 END)))
)
SELECT h.name, h.ci_type, h.environment, h.site, h.address, h.os, h.cpus, h.memory_gb, h.team
FROM hosts h, asked
WHERE h.name = short
   OR replace(h.name, '-', '') = replace(replace(short, '-', ''), '_', '')
   OR replace(replace(h.name, '-0', ''), '-', '') = replace(replace(short, '-', ''), '_', '')
   OR (short GLOB '[0-9]*.[0-9]*' AND h.address LIKE '%.' || short)
ORDER BY h.name LIMIT 1
