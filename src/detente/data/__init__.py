"""The small public data that ships with Détente; README.md beside it says whose it is."""
