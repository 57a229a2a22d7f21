"""The web door: pages on server-rendered templates."""
