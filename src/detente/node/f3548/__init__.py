"""The rules of ASTM F3548-21's discovery and synchronisation service (DSS)."""
