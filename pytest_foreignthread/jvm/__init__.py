"""Room `jvm`: where a JVM is found, and the archive that lets it start faster.

May import the rooms below it: child, interop, supervise, config, matrix, diagnosis, evidence, channel, stress, model.
"""
