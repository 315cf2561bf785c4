"""The application: facts into the model, what follows onto the broker, commands back. Awaits only its ports."""
