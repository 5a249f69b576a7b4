"""What `benchmarks/accuracy.py` measures: a question a file."""
