"""What a program elsewhere, such as a page's script, needs to write a CSR as we would write it."""

from collections.abc import Mapping, Sequence

from onboarding.pki.names import ATTRIBUTES
from onboarding.programmes import AttributeRule


def subject_recipe(values: Mapping[str, str], rules: Sequence[AttributeRule]) -> list[dict[str, str]]:
    """Return the subject's attributes in the profile's order, each as {"oid", "type", "value"}.

    oid: dotted. type: the ASN.1 string type (RFC 5280, appendix A.1), such as "UTF8String". Attributes without a
    value are left out.
    """
    return [
        {
            "oid": ATTRIBUTES[rule.attribute].oid.dotted_string,
            "type": ATTRIBUTES[rule.attribute].string_type.name,
            "value": values[rule.attribute],
        }
        for rule in rules
        if values.get(rule.attribute)
    ]
