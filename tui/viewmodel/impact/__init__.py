"""How the impact of an asset's versions reads: versions and when they were used, two of them compared, risk, advice. Pure."""
