"""Room `collect`: which tests of a run are foreign-thread tests, and in which modes.

May import the rooms below it: jvm, child, interop, supervise, config, matrix, diagnosis, evidence, channel, stress,
model.
"""
