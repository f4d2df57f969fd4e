"""Voices: the registry, a reference's features, and the tiers from a file on disk to a ready state."""
