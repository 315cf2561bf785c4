"""The flow for Node-RED."""
