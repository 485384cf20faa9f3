"""Room `child`: what runs after the fork, in the child.

May import the rooms below it: interop, supervise, config, matrix, diagnosis, evidence, channel, stress, model.
"""
