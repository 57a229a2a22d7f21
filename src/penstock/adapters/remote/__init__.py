"""Folders on other machines to publish files into: one protocol, and one wire per kind of server."""
