"""Pictures as files: headers, EXIF, working copies, scores, hashes, publishing. Runs inside a child."""
