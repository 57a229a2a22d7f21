"""The command line: a door. It calls verbs, says what they did, and holds no logic."""
