"""Threads that neither Python nor Java started, and the evidence of a crash in a child without a JVM."""
