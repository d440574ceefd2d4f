"""ASTM F3548-21: the rules of its discovery and synchronization service."""
