"""HTTP API and web page over the same results. ``create_app`` in ``app.py`` is the way in."""
