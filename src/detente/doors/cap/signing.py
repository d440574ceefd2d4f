"""The signature in an alert: XML-DSig, enveloped, over all of it.

Exclusive canonicalisation, so that an alert that is put into another document still verifies.
Of RSA's signatures the deterministic ones, so that the same alert is the same bytes. The
certificate stands in the alert; whoever trusts it does so because it was given to him otherwise.

Source: CAP 1.2 section 3.3.2.1; XML Signature 1.1 (W3C Recommendation, 11 April 2013).
"""

from signxml.algorithms import (
    CanonicalizationMethod,
    DigestAlgorithm,
    SignatureConstructionMethod,
    SignatureMethod,
)
from signxml.signer import XMLSigner

from detente.doors.cap.wire import Element
from detente.node.certificate import Certificate


def signed(root: Element, by: Certificate) -> Element:
    """An alert with its signature as its last part.

    Args:
        root: An alert that has none.
        by: Whose key signs.
    """
    method = SignatureMethod.RSA_SHA256 if by.is_rsa else SignatureMethod.ECDSA_SHA256
    signer = XMLSigner(
        method=SignatureConstructionMethod.enveloped,
        signature_algorithm=method,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    return signer.sign(root, key=by.key, cert=by.chain_pem)
