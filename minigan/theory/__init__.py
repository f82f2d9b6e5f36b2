"""III. Distances: what the games minimise, computed without any training."""
