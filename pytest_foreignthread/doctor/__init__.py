"""Room `doctor`: what `pytest --foreign-thread-doctor` examines, tries and says, and `--foreign-thread-explain`.

May import the rooms below it: run, report, collect, jvm, child, interop, supervise, config, matrix, diagnosis,
evidence, channel, stress, model.
"""
