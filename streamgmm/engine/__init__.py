"""The engine: records in, assignments out, without clock, broker or await. Read `step` first."""
