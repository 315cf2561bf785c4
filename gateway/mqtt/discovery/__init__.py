"""What Home Assistant is told, so that it finds every queue and agent by itself: MQTT discovery, a device each."""
