"""Détente: keep out of each other's way, spare what must be spared, prove who was told."""
