"""A laboratory: real Asterisks, callers, agents, a recorder of what happened and a judge of what should be shown.

Nothing here imports the gateway: what judges it must not be made of it.
"""
