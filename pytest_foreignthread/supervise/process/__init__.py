"""Processes: fork, keeper, signals, the terminal that is lent, scratch directories."""
