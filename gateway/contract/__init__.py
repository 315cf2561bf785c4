"""The MQTT contract as a machine reads it: AsyncAPI and JSON Schema, made from the models that make the messages."""
