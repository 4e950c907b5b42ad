"""How a driver's consent is asked for, and what comes back: OAuth 2.0, as the end users' API has it.

Pure: `authorization` makes the address a driver's browser is sent to, `callback` reads the one it comes back to, and
`messages` words what both say. Sources: RFC 6749; the public documentation of the end users' API, whose contradictions
are `authorization.CONTRADICTIONS`.
"""
