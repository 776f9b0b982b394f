"""From a film or a folder of photos to a data set: frames chosen, split by shot, and a manifest of hashes."""
