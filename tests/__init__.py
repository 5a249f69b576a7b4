"""Everything streamgmm promises, shown. Modules mirror the package; `kafka/` runs a real broker for them."""
