"""Who asks: everything by which a request becomes a ``Principal``.

::

    settings     what the operator configures: issuers, clients' limits, sign-in
    keys         public keys of an issuer, from files or its JWKS
    issuers      a bearer token -> who vouches for whom, for what
    tokens       the node's own tokens, for clients with a secret
    secrets      argon2, off the event loop
    accounts     people with a password; sessions of people
    limits       how often and how much, per party
    gate         all of it together, for the doors

How they are kept: docs/adr/0013.
"""
