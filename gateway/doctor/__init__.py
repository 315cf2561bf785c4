"""The doctor: tries the configuration against the real Asterisk and broker, and says what to change."""
