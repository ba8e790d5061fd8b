"""Securities, positions, cash and the portfolio, with Lean's names.

Import from the modules (``securities.security``, ``.manager``, ``.portfolio``, ``.holding``, ``.cash``, ``.exchange``,
``.initializers``); this package imports none of them, so that securities and models can use each other.
"""
