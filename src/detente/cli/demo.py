"""``detente demo``."""

import typer

app = typer.Typer(help="See it work on real data.")
