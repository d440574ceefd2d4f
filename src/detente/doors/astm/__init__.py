"""The door of ASTM F3548-21's DSS role: its requests in, its answers out."""
