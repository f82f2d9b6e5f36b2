"""VI. Many runs: several systems, several seeds, one table."""
