"""The three pipelines: photos, content and scenes. None of them imports another."""
