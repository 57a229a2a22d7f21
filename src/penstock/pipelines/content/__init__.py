"""The content pipeline: search keywords in, articles with images out, approved by a person."""
