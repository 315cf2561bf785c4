"""The simulator: that it says what a real Asterisk says, that people behave, and that its books are right."""
