"""The door for programs: the automation API, health and metrics. It calls verbs, it holds no logic."""
