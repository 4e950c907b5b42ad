"""Distinguished names, by the short names that people and OpenSSL use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.name import _ASN1Type as StringType
from cryptography.x509.oid import NameOID, ObjectIdentifier


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute type. short: as in RFC 4514 and OpenSSL; config: OpenSSL's name for it in a config file."""

    short: str
    oid: ObjectIdentifier
    config: str
    string_type: StringType = StringType.UTF8String


# RFC 5280, appendix A.1, prescribes the string types of C and emailAddress. The order is the documentation's.
ATTRIBUTES: Mapping[str, Attribute] = {
    attribute.short: attribute
    for attribute in (
        Attribute("C", NameOID.COUNTRY_NAME, "countryName", StringType.PrintableString),
        Attribute("ST", NameOID.STATE_OR_PROVINCE_NAME, "stateOrProvinceName"),
        Attribute("L", NameOID.LOCALITY_NAME, "localityName"),
        Attribute("O", NameOID.ORGANIZATION_NAME, "organizationName"),
        Attribute("OU", NameOID.ORGANIZATIONAL_UNIT_NAME, "organizationalUnitName"),
        Attribute("CN", NameOID.COMMON_NAME, "commonName"),
        Attribute("emailAddress", NameOID.EMAIL_ADDRESS, "emailAddress", StringType.IA5String),
    )
}

_SHORT_NAMES = {attribute.oid: attribute.short for attribute in ATTRIBUTES.values()}


def short_name(oid: ObjectIdentifier) -> str:
    """Return the short name of an attribute type; its dotted number if it is not one of ours."""
    return _SHORT_NAMES.get(oid, oid.dotted_string)


def subject_values(name: x509.Name) -> dict[str, list[str]]:
    """Return the decoded values by short name, in the order of the name.

    A value that is not text (x500UniqueIdentifier) is given in hexadecimal.
    """
    values: dict[str, list[str]] = {}
    for attribute in name:
        value = attribute.value if isinstance(attribute.value, str) else attribute.value.hex()
        values.setdefault(short_name(attribute.oid), []).append(value)
    return values


def canonical(name: x509.Name) -> list[tuple[str, str]]:
    """Return a name for comparison: capital letters, blanks and character sets do not count (RFC 5280, section 7.1)."""
    return [(attribute.oid.dotted_string, " ".join(str(attribute.value).split()).casefold()) for attribute in name]


STRING_TYPES = frozenset({StringType.UTF8String.name, StringType.PrintableString.name, StringType.IA5String.name})
"""How names are written today (RFC 5280, section 4.1.2.4; IA5 for e-mail addresses)."""


def string_type(attribute: x509.NameAttribute[str | bytes]) -> str:
    """Return the ASN.1 type of an attribute's value, such as "UTF8String"."""
    return str(attribute._type.name)


def first_values(values: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return one value, the first, for each of `ATTRIBUTES` that is there. Others are left out."""
    return {short: found[0] for short, found in values.items() if short in ATTRIBUTES}


def build_name(values: Mapping[str, str]) -> x509.Name:
    """Return a name with these values, in the order of `ATTRIBUTES`. Attributes without a value are left out.

    Nothing is judged here, not even lengths: `csr.check_csr` does that, with words. Raises KeyError for an
    attribute that `ATTRIBUTES` does not have.
    """
    if unknown := values.keys() - ATTRIBUTES.keys():
        raise KeyError(*sorted(unknown))
    return x509.Name(
        [
            x509.NameAttribute(attribute.oid, values[short], _string_type(attribute, values[short]), _validate=False)
            for short, attribute in ATTRIBUTES.items()
            if values.get(short)
        ]
    )


def _string_type(attribute: Attribute, value: str) -> StringType:
    # A country or an e-mail address outside ASCII is wrong, but has to be carried as far as the check.
    return attribute.string_type if value.isascii() else StringType.UTF8String


def render(name: x509.Name) -> str:
    """Return the name for people: `C=FR, ST=…, CN=MZP128745`, in its own order."""
    return ", ".join(
        f"{short_name(attribute.oid)}={attribute.value if isinstance(attribute.value, str) else attribute.value.hex()}"
        for attribute in name
    )
