"""Room `report`: writes a record as pytest's reports, text, grid, HTML, JSON, Markdown and bundle. It decides nothing.

May import the rooms below it: collect, jvm, child, interop, supervise, config, matrix, diagnosis, evidence, channel,
stress, model.
"""
