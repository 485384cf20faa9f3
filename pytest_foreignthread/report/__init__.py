"""Room `report`: from a record to reports: pytest's, text, grid, HTML, JSON, Markdown, the bundle.

May import the rooms below it: collect, jvm, child, interop, supervise, config, matrix, diagnosis, evidence, channel,
stress, model.
"""
