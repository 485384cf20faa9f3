"""Room `model`: plain data that every room may use.

May import the standard library only.
"""
