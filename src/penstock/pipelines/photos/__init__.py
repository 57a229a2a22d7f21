"""Photos: sets of pictures become captioned, scored and named rows that a person reviews."""
