"""minigan"""
