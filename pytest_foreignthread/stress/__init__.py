"""Room `stress`: the rounds of a stressed test as numbers: seeds, schedules, the tally and its statistics.

May import the rooms below it: model.
"""
