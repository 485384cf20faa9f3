"""Looks at a living child: its Java, Python and native stacks, and a crash that waits until it was looked at."""
