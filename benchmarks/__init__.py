"""How fast, how large, how late: measured. Every `benchmarks/NAME.py` is a program that prints a table and writes
`benchmarks/results/NAME.json`; `make bench` runs them all.
"""
