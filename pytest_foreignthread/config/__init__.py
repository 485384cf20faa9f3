"""Room `config`: options and ini keys as settings, and the keys of pytest's stash.

May import the rooms below it: matrix, diagnosis, evidence, channel, stress, model.
"""
