"""Room `supervise`: the parent's side of a child: fork, keeper, deadline, probes, end; knows no pytest and no Java.

May import the rooms below it: config, matrix, diagnosis, evidence, channel, stress, model.
"""
