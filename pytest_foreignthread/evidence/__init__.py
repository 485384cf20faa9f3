"""Room `evidence`: from documents to stacks; pure functions.

May import the rooms below it: channel, stress, model.
"""
