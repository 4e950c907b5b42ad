"""What every finding of this package means and how it is mended, in English, marked for translation."""

from collections.abc import Mapping

from onboarding.findings import Message, gettext_noop

_MAKE = "{command}"  # filled in by the check

MESSAGES: Mapping[str, Message] = {
    # --- the file of a CSR ---
    "file_missing": Message(
        gettext_noop("The file {found} could not be read: {why}."),
        gettext_noop("Check the name and that you may read it."),
    ),
    "file_empty": Message(
        gettext_noop("The file is empty."),
        gettext_noop("Choose the CSR file, or paste its text from BEGIN to END."),
    ),
    "file_too_large": Message(
        gettext_noop("The file is too large for a CSR: {found} bytes; at most {expected} are looked into."),
        gettext_noop("Send the CSR alone. It has about 1,100 bytes."),
    ),
    "file_unknown": Message(
        gettext_noop("This is not a CSR."),
        gettext_noop("Send the file that begins with -----BEGIN CERTIFICATE REQUEST-----, whole."),
    ),
    "file_is_certificate": Message(
        gettext_noop("This is a certificate, not a CSR."),
        gettext_noop("Send the CSR that you made with your private key. The certificate comes after it."),
    ),
    "file_is_private_key": Message(
        gettext_noop("This is a private key, not a CSR. It was not kept."),
        gettext_noop("Nobody but you may have the key: treat it as exposed, make a new one, and send only its CSR."),
        "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -aes-256-cbc -out private-key.pem",
    ),
    "file_is_public_key": Message(
        gettext_noop("This is a public key, not a CSR."),
        gettext_noop("Make a CSR with the private key that belongs to it."),
    ),
    "file_is_keystore": Message(
        gettext_noop("This is a keystore, not a CSR. It was not kept."),
        gettext_noop("It may hold your private key: keep it to yourself. Take only the CSR out of it."),
        "keytool -certreq -alias fleet -keystore keystore.p12 -file request.csr",
    ),
    "file_is_zip": Message(
        gettext_noop("This is a ZIP file, not a CSR."), gettext_noop("Unpack it and send the CSR alone.")
    ),
    "file_is_html": Message(
        gettext_noop("This is a web page, not a CSR."),
        gettext_noop("A download probably saved a sign-in or error page. Send the CSR file itself."),
    ),
    "file_several_csrs": Message(
        gettext_noop("There are {found} different CSRs in this file."),
        gettext_noop("Send exactly one. If you do not know which, make it anew:"),
        _MAKE,
    ),
    "csr_damaged": Message(
        gettext_noop("The CSR is damaged and cannot be read."),
        gettext_noop("Copy it again, whole, or send the file itself. This shows whether it can be read:"),
        "openssl req -in request.csr -noout -text -verify",
    ),
    "name_encoding": Message(
        gettext_noop(
            "The names in the CSR cannot be read for certain: they are in an old character set, such as T61String."
        ),
        gettext_noop(
            "Make the CSR again with “string_mask = utf8only” and “utf8 = yes” in the OpenSSL configuration, as the one"
            " filled in for you has them."
        ),
    ),
    # --- key and signature of a CSR ---
    "key_of_another_organisation": Message(
        gettext_noop("Another company has already used this key."),
        gettext_noop(
            "A private key belongs to one company alone. Treat it as exposed: make a new key and a CSR with it."
        ),
    ),
    "key_under_another_login": Message(
        gettext_noop("This key is already used under another partner login of yours ({found})."),
        gettext_noop("It works, but whoever loses one loses both. Better make a key for each login."),
    ),
    "key_exposed": Message(
        gettext_noop("A certificate with this key was revoked because the key may be in the wrong hands."),
        gettext_noop("Make a new key, and use this one for nothing any more:"),
        _MAKE,
    ),
    "key_used_before": Message(
        gettext_noop("This key was used for an earlier CSR of this partner login."),
        gettext_noop("It works, but a renewal is the moment to change keys. Better make a new one."),
    ),
    "private_key_in_file": Message(
        gettext_noop("There is a private key in this file. It was not kept."),
        gettext_noop("Treat the key as exposed: make a new key and CSR, and send only the CSR."),
        _MAKE,
    ),
    "key_unsupported": Message(
        gettext_noop("The public key cannot be read: it is damaged or of an unknown kind."),
        gettext_noop("Make a new key ({expected}) and CSR."),
        _MAKE,
    ),
    "key_type": Message(
        gettext_noop("The key is of type {found}; this programme takes {expected}."),
        gettext_noop("Make a new key and CSR."),
        _MAKE,
    ),
    "key_too_small": Message(
        gettext_noop("The key has {found} bits; this programme takes {expected}."),
        gettext_noop("Make a new, larger key and a CSR with it."),
        _MAKE,
    ),
    "key_too_big": Message(
        gettext_noop("The key has {found} bits; this programme takes {expected}."),
        gettext_noop("Make a new, smaller key and a CSR with it."),
        _MAKE,
    ),
    "key_exponent": Message(
        gettext_noop("The key's public exponent is {found}; it has to be {expected}."),
        gettext_noop("Make a new key and CSR. OpenSSL and keytool use {expected} by themselves."),
        _MAKE,
    ),
    "key_weak_roca": Message(
        gettext_noop("The key can be broken: it was made by a faulty chip or library (ROCA, CVE-2017-15361)."),
        gettext_noop("Whoever has the CSR can find the private key. Make a new key elsewhere, in software:"),
        _MAKE,
    ),
    "key_weak_fermat": Message(
        gettext_noop("The key can be broken: its two primes are too close to one another (CVE-2022-26320)."),
        gettext_noop("Whoever has the CSR can find the private key. Make a new key with another program:"),
        _MAKE,
    ),
    "key_weak_small_factor": Message(
        gettext_noop("The key can be broken or was damaged: its modulus has a small factor."),
        gettext_noop("Make a new key and CSR, on a machine without a fault:"),
        _MAKE,
    ),
    "key_weak_shared_prime": Message(
        gettext_noop("The key can be broken: one of its primes is known from other people's keys."),
        gettext_noop("The machine had too little randomness. Make a new key on another one:"),
        _MAKE,
    ),
    "key_weak_pattern": Message(
        gettext_noop("The key is not random: there is a pattern in its modulus. {found}"),
        gettext_noop("Such keys can often be broken. Make a new key with OpenSSL or keytool:"),
        _MAKE,
    ),
    "key_weak_debian": Message(
        gettext_noop("The key is one of the few that Debian's broken OpenSSL of 2006 to 2008 could make."),
        gettext_noop("Everybody can look up the private key. Make a new key with a current OpenSSL:"),
        _MAKE,
    ),
    "key_weak_published": Message(
        gettext_noop("This key's private half has been published. The list it is on: {found}."),
        gettext_noop("Never use a key from an example or a device's firmware. Make a new key:"),
        _MAKE,
    ),
    "signature_hash": Message(
        gettext_noop("The CSR is signed with {found}; accepted are {expected}."),
        gettext_noop("Make the CSR anew with your key, signed with SHA-256."),
        _MAKE,
    ),
    "signature_invalid": Message(
        gettext_noop("The CSR's signature does not fit: it was changed after it was made, or damaged on the way."),
        gettext_noop("Make the CSR anew with your key, and do not edit it."),
        _MAKE,
    ),
    "signature_pss": Message(
        gettext_noop("The CSR is signed with {found}; usual is {expected}."),
        gettext_noop("It may be refused. Better make the CSR anew, as OpenSSL and keytool do by themselves."),
        _MAKE,
    ),
    # --- subject of a CSR ---
    "attribute_missing": Message(
        gettext_noop("{label} ({field}) is missing."),
        gettext_noop("Make the CSR anew with {field} in it, for example {field}={example}. keytool: add it to -dname."),
        _MAKE,
    ),
    "attribute_empty": Message(
        gettext_noop("{label} ({field}) is empty."),
        gettext_noop("Make the CSR anew with a value for {field}, for example {example}."),
        _MAKE,
    ),
    "attribute_doubled": Message(
        gettext_noop("{label} ({field}) is there {count} times: {found}."),
        gettext_noop("Make the CSR anew with {field} exactly once."),
        _MAKE,
    ),
    "attribute_mojibake": Message(
        gettext_noop("{label} ({field}) has garbled characters: “{found}”, which probably means “{expected}”."),
        gettext_noop("OpenSSL does this without -utf8. Make the CSR anew with it."),
        _MAKE,
    ),
    "attribute_unprintable": Message(
        gettext_noop("{label} ({field}) has characters that cannot be seen: “{found}”."),
        gettext_noop("Type the value instead of pasting it: “{expected}”. Then make the CSR anew."),
        _MAKE,
    ),
    "attribute_lookalike": Message(
        gettext_noop("{label} ({field}) “{found}” has characters that only look like the usual ones: {which}."),
        gettext_noop("Type the value instead of pasting it: “{expected}”. Then make the CSR anew."),
        _MAKE,
    ),
    "attribute_blanks": Message(
        gettext_noop("{label} ({field}) has a blank too many: “{found}”."),
        gettext_noop("Make the CSR anew with “{expected}”: no blank at either end, one between words."),
        _MAKE,
    ),
    "attribute_placeholder": Message(
        gettext_noop("{label} ({field}) looks like text that was to be replaced: “{found}”."),
        gettext_noop("Put your own value in its place, without < and >, for example {example}."),
        _MAKE,
    ),
    "attribute_length": Message(
        gettext_noop("{label} ({field}) has {length} characters: “{found}”. It has to have {wanted}."),
        gettext_noop("Make the CSR anew with a value like {expected}."),
        _MAKE,
    ),
    "attribute_too_long": Message(
        gettext_noop("{label} ({field}) has {length} characters; {limit} are the most."),
        gettext_noop("Shorten it and make the CSR anew."),
        _MAKE,
    ),
    "attribute_case": Message(
        gettext_noop("{label} ({field}) is “{found}”; capital and small letters have to be as in “{expected}”."),
        gettext_noop("Make the CSR anew with {field}={expected}."),
        _MAKE,
    ),
    "attribute_other_value": Message(
        gettext_noop("{label} ({field}) is “{found}”; it has to be exactly “{expected}”."),
        gettext_noop("Make the CSR anew with {field}={expected}. It is the same for every partner."),
        _MAKE,
    ),
    "attribute_unexpected": Message(
        gettext_noop("The subject has an attribute that nobody asked for: {attribute}={found}."),
        gettext_noop("It may be refused or dropped. Better make the CSR anew without it."),
        _MAKE,
    ),
    "attribute_joined": Message(
        gettext_noop("The subject has several attributes joined into one ({found}), as -multivalue-rdn does."),
        gettext_noop("It may be refused. Better make the CSR anew with each attribute by itself."),
        _MAKE,
    ),
    "attribute_string_type": Message(
        gettext_noop("The subject is written in a kind of text that is hardly used any more ({found})."),
        gettext_noop("It may be refused. Better make the CSR anew, in UTF-8."),
        _MAKE,
    ),
    "ou_slip": Message(
        gettext_noop("Organisational unit (OU) is “{found}”, as in the documentation's keytool example."),
        gettext_noop("That example has a slip. It has to be exactly “{expected}”. Make the CSR anew."),
        _MAKE,
    ),
    "country_unknown": Message(
        gettext_noop("“{found}” is not the code of a country."),
        gettext_noop("Use the two letters of ISO 3166-1, for example {example}; the United Kingdom is GB."),
        _MAKE,
    ),
    "country_lower_case": Message(
        gettext_noop("The country code “{found}” has to be in capital letters."),
        gettext_noop("Make the CSR anew with C={expected}."),
        _MAKE,
    ),
    "mzp_unusual": Message(
        gettext_noop("Common name (CN) “{found}” does not look like a partner login (MZP)."),
        gettext_noop("It has to be the MZP that was assigned to you, such as {expected}."),
        _MAKE,
    ),
    "mzp_of_another": Message(
        gettext_noop("Common name (CN) is “{found}”; your partner login (MZP) is {expected}."),
        gettext_noop("This may be somebody else's login. Make the CSR anew with CN={expected}."),
        _MAKE,
    ),
    "mzp_other_value": Message(
        gettext_noop("Common name (CN) is “{found}”; it has to be your partner login (MZP), {expected}."),
        gettext_noop("Not a host name or company name. Make the CSR anew with CN={expected}."),
        _MAKE,
    ),
    "email_invalid": Message(
        gettext_noop("“{found}” is not an e-mail address."),
        gettext_noop("Use an address that will still be read at renewal, such as {expected}. Make the CSR anew."),
        _MAKE,
    ),
    "email_not_of_a_contact": Message(
        gettext_noop("“{found}” is not a verified e-mail address of the company."),
        gettext_noop(
            "The certificate is downloaded and renewed through this address: a slip in it can cost you the certificate."
            " Check it. Best is an address that was confirmed here: one that somebody of yours signs in with, or has"
            " added under “E-mail addresses” in their profile."
        ),
    ),
    # --- what a CSR asks for besides ---
    "extension_ca": Message(
        gettext_noop("The CSR asks for a certificate authority ({found})."),
        gettext_noop("You need a client certificate. Make the CSR anew without basicConstraints."),
        _MAKE,
    ),
    "extension_unexpected": Message(
        gettext_noop("The CSR asks for an extension that nobody asked for: {found}."),
        gettext_noop("It may be refused or dropped. Better make the CSR anew without it."),
        _MAKE,
    ),
    "extensions_unreadable": Message(
        gettext_noop("The extensions that the CSR asks for cannot be read."),
        gettext_noop("Make the CSR anew without extensions: none is needed."),
        _MAKE,
    ),
    "challenge_password": Message(
        gettext_noop("The CSR holds a challenge password. Everybody who sees the CSR can read it."),
        gettext_noop("It has no use here: change it wherever you use it, and make the CSR anew without it."),
        _MAKE,
    ),
    # --- private keys ---
    "key_empty": Message(gettext_noop("The key file is empty."), gettext_noop("Choose your private key's file.")),
    "key_too_large": Message(
        gettext_noop("The key is too large: {found} bytes; at most {expected} are read."),
        gettext_noop("Send the private key alone. RSA keys of 2048 to 4096 bits fit."),
    ),
    "key_unreadable": Message(
        gettext_noop("No private key could be read from this file."),
        gettext_noop("It should begin with BEGIN and PRIVATE KEY, and be whole. This shows whether it can be read:"),
        "openssl pkey -in private-key.pem -noout -check",
    ),
    "key_passphrase_missing": Message(
        gettext_noop("The private key is protected by a passphrase."),
        gettext_noop("Give the passphrase that you chose when you made the key."),
    ),
    "key_passphrase_wrong": Message(
        gettext_noop("The private key does not open with this passphrase, or its file is damaged."),
        gettext_noop(
            "Try again; capital letters and blanks count. This asks for it and says whether it fits. If it does, the"
            " file is encrypted in a way that is too old to be read here: “openssl pkcs8 -topk8” encrypts it anew."
        ),
        "openssl pkey -in private-key.pem -noout -check",
    ),
    "key_derivation_too_costly": Message(
        gettext_noop("Opening this key would take {found} rounds; at most {expected} are computed here."),
        gettext_noop("Encrypt it anew with fewer rounds:"),
        "openssl pkcs8 -topk8 -v2 aes-256-cbc -iter 600000 -in private-key.pem -out private-key-new.pem",
    ),
    "key_is_csr": Message(
        gettext_noop("This is a CSR, not a private key."), gettext_noop("Choose the file that was made beside it.")
    ),
    "key_is_certificate": Message(
        gettext_noop("This is a certificate, not a private key."),
        gettext_noop("Choose the file that you made before the CSR."),
    ),
    "key_is_public": Message(
        gettext_noop("This is a public key, not a private key."), gettext_noop("Choose the private key's file.")
    ),
    "key_pkcs12_without_key": Message(
        gettext_noop("There is no private key in this PKCS#12 keystore."),
        gettext_noop("Choose the keystore in which the key was made. This shows what is in it:"),
        "keytool -list -v -keystore keystore.p12",
    ),
    "key_pkcs12_several": Message(
        gettext_noop("There are {found} private keys in this PKCS#12 keystore."),
        gettext_noop(
            "Copy the one that is meant into a keystore of its own, and choose that. Put its alias in place of fleet; "
            "“keytool -list” shows it:"
        ),
        "keytool -importkeystore -srckeystore keystore.p12 -srcalias fleet -destkeystore one-key.p12"
        " -deststoretype PKCS12",
    ),
    "key_is_jks": Message(
        gettext_noop("This is a Java keystore of the old kind (JKS), which only Java can open."),
        gettext_noop("Convert it to PKCS#12, and choose the new file. You are asked for the passwords:"),
        "keytool -importkeystore -srckeystore keystore.jks -destkeystore keystore.p12 -deststoretype PKCS12",
    ),
    "key_is_openssh": Message(
        gettext_noop("This is a private key in OpenSSH's own format."),
        gettext_noop("Convert it to PKCS#8, in place; you are asked for a new passphrase. Then choose it again:"),
        "ssh-keygen -p -m PKCS8 -f private-key.pem",
    ),
    "key_other_certificate": Message(
        gettext_noop("This private key does not belong to the certificate."),
        gettext_noop("Choose the key with which the CSR was made. These two have to print the same:"),
        "openssl pkey -in private-key.pem -pubout\nopenssl x509 -in certificate.pem -noout -pubkey",
    ),
    # --- the file of a certificate ---
    "certificate_empty": Message(
        gettext_noop("The certificate's file is empty."), gettext_noop("Choose the file, or paste its text.")
    ),
    "certificate_too_large": Message(
        gettext_noop("The file is too large: {found} bytes; at most {expected} are looked into."),
        gettext_noop("Send the certificate and its chain alone."),
    ),
    "certificate_too_many": Message(
        gettext_noop("There are {found} certificates in the file; a chain has at most {expected}."),
        gettext_noop("Send the certificate and its chain alone."),
    ),
    "certificate_unknown": Message(
        gettext_noop("This is not a certificate."),
        gettext_noop("Send the file that begins with -----BEGIN CERTIFICATE-----, whole."),
    ),
    "certificate_damaged": Message(
        gettext_noop("A certificate in this file is damaged and cannot be read."),
        gettext_noop("Download it again. This shows whether it can be read:"),
        "openssl x509 -in certificate.pem -noout -text",
    ),
    "certificate_with_private_key": Message(
        gettext_noop("There is a private key in this file. Nothing of it was kept."),
        gettext_noop("Send the certificate alone. If the key left your hands, treat it as exposed and make a new one."),
    ),
    "certificate_is_csr": Message(
        gettext_noop("This is a CSR, not a certificate."),
        gettext_noop("Send the certificate that the issuer made from it."),
    ),
    "certificate_is_keystore": Message(
        gettext_noop("This is a keystore, not a certificate. It was not kept."),
        gettext_noop("It may hold your private key: keep it to yourself. Take only the certificate out of it:"),
        "openssl pkcs12 -in keystore.p12 -nokeys -out certificates.pem",
    ),
    "certificate_zip_damaged": Message(
        gettext_noop("The ZIP file, or something in it, cannot be unpacked: it is damaged or encrypted. {found}"),
        gettext_noop("Pack the certificates anew, without a password, or send them one by one."),
    ),
    "certificate_zip_bomb": Message(
        gettext_noop("The ZIP file would unpack to {found} bytes (a ZIP bomb); at most {expected} are unpacked."),
        gettext_noop("It was not unpacked. Certificates hardly get smaller by packing: send them alone."),
    ),
    "certificate_zip_entries": Message(
        gettext_noop("The ZIP file has too many entries: {found}; at most {expected} are read."),
        gettext_noop("Split it into several files."),
    ),
    "certificate_zip_in_zip": Message(
        gettext_noop("There is a ZIP file within the ZIP file."),
        gettext_noop("Unpack the inner one, and pack its certificates into one ZIP file, or send them one by one."),
    ),
    "certificate_zip_skipped": Message(
        gettext_noop("{found}, in the ZIP file, is not a certificate and was left out."),
        gettext_noop("Nothing to do, if it was not meant to be one."),
    ),
    "certificate_zip_unread": Message(
        gettext_noop("{found}, in the ZIP file, cannot be read and was left out."),
        gettext_noop("Nothing to do, if this certificate does not need it."),
    ),
    "certificate_several": Message(
        gettext_noop("There are {found} certificates for this key. The newest one was looked at."),
        gettext_noop("If another one is meant, send that one alone."),
    ),
    "certificate_is_html": Message(
        gettext_noop("This is a web page, not a certificate."),
        gettext_noop("A download probably saved a sign-in or error page. Send the certificate's file itself."),
    ),
    # --- the certificate itself ---
    "certificate_other_key": Message(
        gettext_noop("The certificate ({subject}) is for another key than this CSR's."),
        gettext_noop("It belongs to another request. Take the one that was issued for this CSR."),
    ),
    "certificate_not_for_key": Message(
        gettext_noop("The certificate ({subject}) is for another key than the private key that came with it."),
        gettext_noop("Take the key that the certificate was asked for with, or the certificate for this key."),
    ),
    "certificate_other_login": Message(
        gettext_noop("The certificate's common name (CN) is “{found}”, and the partner login “{expected}”."),
        gettext_noop("They have to be the same. Correct the login, or take the certificate that names it."),
    ),
    "certificate_of_another_request": Message(
        gettext_noop(
            "The certificate is for another request: {application} ({reference}), partner login {login}, {environment}."
        ),
        gettext_noop("Take it in there. For this request, take the one that was issued for this CSR."),
    ),
    "certificate_taken_in_already": Message(
        gettext_noop(
            "This certificate was taken in already, for {application} ({reference}), partner login {login},"
            " {environment}."
        ),
        gettext_noop("There is nothing to do there. For this request, take the one that was issued for this CSR."),
    ),
    "certificate_subject": Message(
        gettext_noop("{attribute} is “{found}” in the certificate; the CSR asked for “{expected}”."),
        gettext_noop("Ask the issuer whether this is meant. CN has to be your partner login (MZP)."),
    ),
    "certificate_not_yet_valid": Message(
        gettext_noop("The certificate is valid only from {found}; it is now {expected}."),
        gettext_noop("Wait until then, or ask the issuer for one that is valid now."),
    ),
    "certificate_expired": Message(
        gettext_noop("The certificate expired on {found}."),
        gettext_noop("It cannot be used any more. Ask the issuer for a new one, or start a renewal."),
    ),
    "certificate_expires_soon": Message(
        gettext_noop("The certificate expires in {days} days, on {found}."),
        gettext_noop("It works until then. Start the renewal now."),
    ),
    "certificate_serial_taken": Message(
        gettext_noop("{application} has a certificate of the same issuer with the same serial number, {found}."),
        gettext_noop("Ask the CA for a new one: who revokes one of the two revokes both."),
    ),
    "certificate_serial_odd": Message(
        gettext_noop("Its serial number, {found}, is no positive number of at most 20 bytes."),
        gettext_noop("Ask the CA for a new one: some servers refuse it, and RFC 5280 rules it out."),
    ),
    "certificate_short_life": Message(
        gettext_noop("The certificate is short-lived: days in all, {days}; it ends on {found}."),
        gettext_noop("It works until then. Ask the issuer for a longer one, unless this is a trial."),
    ),
    "certificate_long_life": Message(
        gettext_noop("The certificate is unusually long-lived: days in all, {days}; it ends on {found}."),
        gettext_noop("It works. Keep its key all the safer, and change it earlier than you must."),
    ),
    "certificate_is_ca": Message(
        gettext_noop("This is the certificate of a certificate authority ({found}), not a client's."),
        gettext_noop("You may have taken one file for the other: look for the certificate with your MZP in it."),
        "openssl x509 -in certificate.pem -noout -subject -issuer",
    ),
    "certificate_not_for_clients": Message(
        gettext_noop("The certificate may not be used by clients. Its extended key usage allows: {found}."),
        gettext_noop("Servers will refuse it. Ask the issuer for one with {expected}."),
    ),
    "certificate_key_usage": Message(
        gettext_noop("The certificate's key usage does not allow {expected}, which TLS clients need."),
        gettext_noop("Servers will refuse it. Ask the issuer for one that allows it."),
    ),
    "certificate_hash": Message(
        gettext_noop("The certificate is signed with {found}, which is no longer safe."),
        gettext_noop("Servers may refuse it. Ask the issuer for one signed with {expected}."),
    ),
    "certificate_key_size": Message(
        gettext_noop("The certificate's key has {found} bits; at least {expected} are needed."),
        gettext_noop("Servers will refuse it. Make a new key and CSR, and ask for a new certificate."),
    ),
    # --- its chain ---
    "ca_missing": Message(
        gettext_noop("There is no CA certificate."),
        gettext_noop("Add the one of the issuer: {expected}. It comes with the certificate."),
    ),
    "ca_not_a_ca": Message(
        gettext_noop("The file given as CA certificate is not one of a certificate authority: {found}."),
        gettext_noop("You may have taken one file for the other. A CA's says CA:TRUE:"),
        "openssl x509 -in ca.pem -noout -subject -ext basicConstraints",
    ),
    "ca_not_valid_now": Message(
        gettext_noop("The CA certificate {ca} is valid {found}; it is now {expected}."),
        gettext_noop("Ask the issuer for the current CA certificate."),
    ),
    "chain_issuer_missing": Message(
        gettext_noop("The CA certificate of {expected} is missing. Given: {found}."),
        gettext_noop("Add it. Whoever issued the certificate has it."),
    ),
    "chain_issuer_elsewhere": Message(
        gettext_noop("The CA certificate of {expected} is missing. Given: {found}."),
        gettext_noop("Add it. The certificate names an address for it, which is not visited from here: “{address}”."),
    ),
    "chain_signature": Message(
        gettext_noop("{found} was not signed by this {expected}, although the names fit."),
        gettext_noop("The CA may have several certificates of this name. Ask the issuer for the right one."),
    ),
    "chain_other_root": Message(
        gettext_noop("The certificate leads to another CA ({found}) than the one given ({expected})."),
        gettext_noop("Give the CA certificate that belongs to it, or ask the issuer which one is right."),
    ),
    "chain_name_encoding": Message(
        gettext_noop(
            "The issuer is written “{found}”; the CA certificate writes its own name differently: {expected}."
        ),
        gettext_noop(
            "Capital letters, blanks or the character set differ, and not every server overlooks that. Ask the issuer"
            " for a certificate that names the CA as the CA's own does."
        ),
    ),
    "chain_circle": Message(
        gettext_noop("The CA certificates lead round in a circle and to no root: {found}."),
        gettext_noop("Ask the issuer for the root certificate, which is signed with its own key."),
    ),
    "chain_key_identifier": Message(
        gettext_noop("{found} names another key of its issuer than the CA certificate {expected} has."),
        gettext_noop("The CA may have several certificates of this name. Ask the issuer for the right one."),
        "openssl x509 -in certificate.pem -noout -ext authorityKeyIdentifier",
    ),
    "chain_ca_not_for_clients": Message(
        gettext_noop("The CA {ca} may not issue for clients. Its extended key usage allows: {found}."),
        gettext_noop("Servers may refuse the certificate. Ask for one of a CA that allows {expected}."),
    ),
    "chain_ca_hash": Message(
        gettext_noop("The CA certificate {ca} is signed with {found}, which is no longer safe."),
        gettext_noop("Servers may refuse it. Ask the issuer for one signed with {expected}."),
    ),
    "chain_ca_key": Message(
        gettext_noop("The key of the CA {ca} is of an unfit size: {found}; expected is {expected}."),
        gettext_noop("Servers may refuse it. Ask for a certificate of a CA with another key."),
    ),
    "chain_critical_extension": Message(
        gettext_noop("{subject} has an extension marked as critical that nobody is sure to understand: {found}."),
        gettext_noop("Servers will refuse it. Ask the issuer for one without it, or where it is not critical."),
    ),
    "chain_path_length": Message(
        gettext_noop("The chain is too long: {ca} allows for {expected} CAs below it; there are {found}."),
        gettext_noop("Servers will refuse it. Ask the issuer for a certificate of a CA further up."),
    ),
    "chain_names_forbidden": Message(
        gettext_noop("The CA {ca} may not issue for this name: {found}. It is outside its name constraints."),
        gettext_noop("Servers may refuse the certificate. Ask the issuer for one of a CA that may."),
        "openssl x509 -in ca.pem -noout -ext nameConstraints",
    ),
    "chain_invalid": Message(
        gettext_noop("The certificate does not lead to the CA: {found}."),
        gettext_noop("Ask the issuer for the certificate together with its whole chain."),
    ),
    "chain_unusual": Message(
        gettext_noop("The chain is valid but unusual: {found}."),
        gettext_noop("Nothing to do. If a server refuses the certificate, tell the issuer this."),
    ),
    # --- credentials that are brought in, and their manifest ---
    "import_environment": Message(
        gettext_noop("“{found}” is no environment that credentials can be brought into here."),
        gettext_noop("Name one of: {expected}. Whoever runs this portal lists them in FLEET_ENVIRONMENTS."),
    ),
    "import_programme": Message(
        gettext_noop("“{found}” is no programme."),
        gettext_noop("Name one of: {expected}."),
    ),
    "import_brand": Message(
        gettext_noop("“{found}” is no brand of this programme."),
        gettext_noop("Name one or more of: {expected}."),
    ),
    "import_name": Message(
        gettext_noop("The application has no name, or one that cannot be shown."),
        gettext_noop("Give it one of 1 to {expected} characters, on one line."),
    ),
    "import_login": Message(
        gettext_noop("“{found}” is no partner login (MZP)."),
        gettext_noop("Write it in capital letters and digits only, such as MZP128745."),
    ),
    "import_login_taken": Message(
        gettext_noop("The partner login {found} cannot be used: it was retired, or is not this company's."),
        gettext_noop("Partner logins are never issued twice. Check that it is yours, or ask who gave it to you."),
    ),
    "import_client_id": Message(
        gettext_noop("The client ID is missing, has blanks inside, or is longer than {expected} characters."),
        gettext_noop("Copy it again from where you received it."),
    ),
    "import_client_id_taken": Message(
        gettext_noop("This client ID belongs to another company."),
        gettext_noop("Copy yours again, or ask who gave it to you."),
    ),
    "import_no_client_secret": Message(
        gettext_noop("The client secret is missing. Each call of this programme needs it."),
        gettext_noop("Give it together with the client ID."),
    ),
    "import_no_password": Message(
        gettext_noop("The password of the partner login is missing. Each call of this programme needs it."),
        gettext_noop("Give it. Where it is stored already for this login and environment, it may be left out."),
    ),
    "import_other_password": Message(
        gettext_noop("Another password is stored for this partner login in this environment."),
        gettext_noop("All applications of a login share it. Leave it out, or change it first on the credentials page."),
    ),
    "import_needless": Message(
        gettext_noop("A call of this programme has no use for this: {field}."),
        gettext_noop("Leave it out, or choose the other programme. It was not kept."),
    ),
    "import_key_unwanted": Message(
        gettext_noop("Private keys are not kept on this installation."),
        gettext_noop("Leave the key out, and lend it when you validate. It was not kept."),
    ),
    "import_not_kept": Message(
        gettext_noop("It could not be brought in, for a reason that lies in this installation ({why})."),
        gettext_noop("Run the command again: what is there already stays as it is."),
    ),
    "manifest_field": Message(
        gettext_noop("“{found}” is no field of an application."),
        gettext_noop("Correct its name, or take it out. The fields are: {expected}."),
    ),
    "manifest_missing": Message(
        gettext_noop("The field “{expected}” is missing."),
        gettext_noop("Add it to this application's entry in the manifest."),
    ),
    "manifest_type": Message(
        gettext_noop("The field “{found}” has to be {label}."),
        gettext_noop("Write text in quotation marks, and lists in square brackets."),
    ),
    "manifest_secret": Message(
        gettext_noop("A secret stands in the manifest, under “{found}”."),
        gettext_noop("Put it into a file of its own, name that file under “{expected}”, and take it out of here."),
    ),
    "manifest_path": Message(
        gettext_noop("The path under “{field}”{which} leads out of the folder."),
        gettext_noop("Name files relative to the folder of the manifest and inside it, without links to elsewhere."),
    ),
    "manifest_file": Message(
        gettext_noop("The file under “{field}”{which} could not be read: {label}."),
        gettext_noop("Check its name and that you may read it."),
    ),
    "manifest_too_large": Message(
        gettext_noop("The file under “{field}”{which} is larger than {expected} bytes."),
        gettext_noop("Name the file itself, not a folder or an archive of everything."),
    ),
    "manifest_not_text": Message(
        gettext_noop("The file under “{field}” does not hold one line of text of at most {expected} characters."),
        gettext_noop("Write the secret into it and nothing else, as UTF-8."),
    ),
}
