"""What the library raises for certificates and CSRs that it cannot parse."""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

UNPARSABLE = (
    ValueError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    # For a name constraint of a wrong length, a name that is no text, an unknown TLS feature.
    TypeError,
    KeyError,
)
"""Whichever comes, the file is damaged: that is a finding, never an error of ours. Seen in half a million mutations."""
