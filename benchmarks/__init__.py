"""What this plugin costs, each figure beside that of another way, taken in one run: `python -m benchmarks --help`."""
