"""Looks at a living child: Java's, Python's and native stacks, and a crash that waits for its look."""
