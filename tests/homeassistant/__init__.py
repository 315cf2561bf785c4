"""The devices that Home Assistant finds by itself: their messages, and a real Home Assistant that takes them."""
