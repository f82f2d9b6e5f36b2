"""A chapter of claims."""
