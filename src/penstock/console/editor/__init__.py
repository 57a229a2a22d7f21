"""The editor: a page for the keyboard, and the typed JSON that its scripts speak with this program."""
