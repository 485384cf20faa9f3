"""Threads that neither Python nor Java made, and how a child without a JVM tells of a crash."""
