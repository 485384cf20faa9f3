"""Room `run`: one session of pytest: which child serves a test, how a child starts, reruns, results.

May import the rooms below it: report, collect, jvm, child, interop, supervise, config, matrix, diagnosis, evidence,
channel, stress, model.
"""
