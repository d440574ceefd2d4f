"""The door of ASTM F3548-21, its DSS role and its USS role: requests in, answers out."""
