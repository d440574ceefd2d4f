"""The record and the current objects, in one transaction (docs/rules/R-04.md)."""
