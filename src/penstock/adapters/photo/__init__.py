"""Pictures as files: headers, EXIF, working copies, scores, hashes and publishing. Runs inside a child process."""
