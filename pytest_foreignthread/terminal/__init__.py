"""Room `terminal`: what pytest's terminal shows during a run and after it.

May import the rooms below it: doctor, run, report, collect, jvm, child, interop, supervise, config, matrix,
diagnosis, evidence, channel, stress, model.
"""
