"""How the sandbox plays the failures of `onboarding.rehearsals`.

`answers` has those that are an answer to a request, of the API or of the token endpoint; `choosing` says which one a
request meets. The others have a port of their own, which `listeners` opens: `certificates` has servers that are wrong
in their certificate, version or ciphers, `wire` conversations that go wrong below HTTP, with the TLS alerts of
`alerts`.
"""
