"""How fast, how small: the gateway as a process between a scripted Asterisk and a real broker, measured.

``python -m tests.bench`` starts everything, prints a table and says which targets are met. Beside the gateway the
shortest honest bridge from the same libraries runs on the same input, turn by turn, so that a figure can be told as a
ratio that does not depend on the machine.
"""
