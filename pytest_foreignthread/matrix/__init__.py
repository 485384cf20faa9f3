"""Room `matrix`: outcomes by mode as verdicts, and the baseline of known outcomes.

May import the rooms below it: diagnosis, evidence, channel, stress, model.
"""
