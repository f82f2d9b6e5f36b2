"""How fast minigan is beside its peers and beside the bare matrix products: ``python -m tests.benchmarks``."""
