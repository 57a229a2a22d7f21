"""The gate: what a person decides, and what helps the person to decide."""
