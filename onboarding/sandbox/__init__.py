"""A fleet API on this machine that behaves like the car maker's, for the credentials handed out for the sandbox.

Of its own, and not of the maker's API: the headers `X-Sandbox-Client-Subject` and `X-Sandbox-TLS`, which say whom
it saw; `/healthz` beside the token endpoint; the wording of the gateway's errors; the application codes 40000,
40500, 40600 and 50000; the figures of the rate limits; HTTP status 495 with the certificate error; failures on demand.

Nothing imports it. `exchange` holds the values; `fleetdata`, `shapes`, `limits`, `access`, `api` and `token` compute
answers from them and know neither sockets nor the database; `portal_registry` reads the portal's records; `tls` and
`server` listen. `faults` plays the failures that can be rehearsed.
"""
