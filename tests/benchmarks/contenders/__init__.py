"""Who runs: a file each. All take a ``Problem`` and offer ``iterate(n)`` and ``describe()``."""
