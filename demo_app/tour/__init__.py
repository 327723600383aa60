"""A tour of the demo over real HTTP: `python -m demo_app.tour`."""
