"""A home with photo sites at the gate, served by a real process, for what is measured in a browser."""
