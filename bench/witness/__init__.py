"""Watches a photo run from outside: each piece of work notes that it began, triggers note what was committed."""
