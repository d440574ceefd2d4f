"""The hotline: a call that reaches duty desks at once, and goes on until somebody answers.

``ringing`` decides who is called, ``ladder`` calls again in time, ``lines`` is what a reader sees
of a call, ``called`` says whom each entry of it concerns, ``chain`` what its evidence holds.
"""
