/* Private keys and certificate requests, made by the browser's own cryptography (WebCrypto). Nothing here sends
   anything: keys come in and go out as values. */

import {
  TAG,
  bits,
  children,
  decode,
  dotted,
  encode,
  fromPem,
  integer,
  nothing,
  octets,
  oid,
  sequence,
  small,
  text,
  toPem,
} from "./der.js";

const ROUNDS = 600_000;
const MAX_ROUNDS = 2_000_000;

const OID = {
  rsaEncryption: "1.2.840.113549.1.1.1",
  sha256WithRSAEncryption: "1.2.840.113549.1.1.11",
  ecPublicKey: "1.2.840.10045.2.1",
  ecdsaWithSHA256: "1.2.840.10045.4.3.2",
  prime256v1: "1.2.840.10045.3.1.7",
  pbes2: "1.2.840.113549.1.5.13",
  pbkdf2: "1.2.840.113549.1.5.12",
  hmacWithSHA1: "1.2.840.113549.2.7",
  hmacWithSHA256: "1.2.840.113549.2.9",
  hmacWithSHA512: "1.2.840.113549.2.11",
  aes128: "2.16.840.1.101.3.4.1.2",
  aes256: "2.16.840.1.101.3.4.1.42",
};

/* What can be made: by the name that the page's choice has. */
const RSA = (modulusLength) => ({
  name: "RSASSA-PKCS1-v1_5",
  modulusLength,
  publicExponent: Uint8Array.of(1, 0, 1),
  hash: "SHA-256",
});
export const ALGORITHMS = {
  "RSA-2048": RSA(2048),
  "RSA-3072": RSA(3072),
  "RSA-4096": RSA(4096),
  "EC-256": { name: "ECDSA", namedCurve: "P-256" },
};

/* How each kind of key signs. A signature algorithm with RSA has NULL parameters (RFC 4055), with ECDSA none. */
const SIGNING = {
  "RSASSA-PKCS1-v1_5": {
    algorithm: "RSASSA-PKCS1-v1_5",
    identifier: () => sequence(oid(OID.sha256WithRSAEncryption), nothing()),
    signature: (raw) => raw,
  },
  ECDSA: {
    algorithm: { name: "ECDSA", hash: "SHA-256" },
    identifier: () => sequence(oid(OID.ecdsaWithSHA256)),
    // WebCrypto gives r and s one after the other; PKCS#10 wants them as two integers.
    signature: (raw) => sequence(integer(raw.subarray(0, raw.length / 2)), integer(raw.subarray(raw.length / 2))),
  },
};

/* What a private key file can be encrypted with for a browser to open it. PBKDF2's default hash is SHA-1. */
const HASHES = { [OID.hmacWithSHA1]: "SHA-1", [OID.hmacWithSHA256]: "SHA-256", [OID.hmacWithSHA512]: "SHA-512" };
const CIPHERS = { [OID.aes128]: 128, [OID.aes256]: 256 };

/* Which private keys can be compared, and the members of their JSON Web Key that are public. */
const COMPARED = {
  [OID.rsaEncryption]: { algorithm: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, members: ["kty", "n", "e"] },
  [OID.ecPublicKey]: {
    algorithm: { name: "ECDSA", namedCurve: "P-256" },
    curve: OID.prime256v1,
    members: ["kty", "crv", "x", "y"],
  },
};

/* A key file that cannot be used. reason: no-key, unknown-format, passphrase-missing, passphrase-wrong or key-kind. */
export class KeyFileError extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

/* Whether this browser, at this address, can do any of it. */
export const available = () => window.isSecureContext && Boolean(window.crypto?.subtle);

/* A new key pair. kind: one of ALGORITHMS. */
export const makeKey = (kind) => crypto.subtle.generateKey(ALGORITHMS[kind], true, ["sign", "verify"]);

/* A certificate request (RFC 2986) as PEM, signed with SHA-256. subject: [{oid, type, value}], in order. */
export async function makeRequest({ privateKey, publicKey }, subject) {
  const signing = SIGNING[privateKey.algorithm.name];
  const information = sequence(
    integer(0),
    sequence(...subject.map((one) => encode(TAG.set, sequence(oid(one.oid), text(one.type, one.value))))),
    new Uint8Array(await crypto.subtle.exportKey("spki", publicKey)),
    encode(TAG.attributes),
  );
  const raw = new Uint8Array(await crypto.subtle.sign(signing.algorithm, privateKey, information));
  return toPem("CERTIFICATE REQUEST", sequence(information, signing.identifier(), bits(signing.signature(raw))));
}

/* The private key as encrypted PKCS#8 PEM (RFC 5958; PBES2 of RFC 8018: PBKDF2 with SHA-256, AES-256-CBC). */
export async function encryptKey(privateKey, passphrase) {
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const iv = crypto.getRandomValues(new Uint8Array(16));
  const cipher = await derive(passphrase, { salt, iterations: ROUNDS, hash: "SHA-256" }, 256, "encrypt");
  const plain = new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey));
  const encrypted = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-CBC", iv }, cipher, plain));
  plain.fill(0);
  const derivation = sequence(
    oid(OID.pbkdf2),
    sequence(octets(salt), integer(ROUNDS), sequence(oid(OID.hmacWithSHA256), nothing())),
  );
  const scheme = sequence(oid(OID.pbes2), sequence(derivation, sequence(oid(OID.aes256), octets(iv))));
  return toPem("ENCRYPTED PRIVATE KEY", sequence(scheme, octets(encrypted)));
}

/* SHA-256, in hexadecimal, of the public key that a private key file belongs to. Throws KeyFileError. */
export async function fingerprintOfKeyFile(pem, passphrase) {
  const file = fromPem(pem, "PRIVATE KEY");
  if (!file) throw new KeyFileError(/BEGIN [A-Z ]*PRIVATE KEY/.test(pem) ? "unknown-format" : "no-key");
  let plain;
  try {
    plain = await unlock(file, passphrase);
  } catch (error) {
    throw error instanceof KeyFileError ? error : new KeyFileError("no-key");
  }
  try {
    return await fingerprintOfKey(plain);
  } catch (error) {
    if (error instanceof KeyFileError) throw error;
    // A wrong passphrase now and then leaves something that looks decrypted.
    throw new KeyFileError(file.label === "ENCRYPTED PRIVATE KEY" ? "passphrase-wrong" : "no-key");
  } finally {
    plain.fill(0);
  }
}

/* PKCS#8 (DER) of what is in the file. */
async function unlock({ label, der }, passphrase) {
  if (label === "PRIVATE KEY") return der;
  if (label === "RSA PRIVATE KEY") {
    return sequence(integer(0), sequence(oid(OID.rsaEncryption), nothing()), octets(der));
  }
  if (label !== "ENCRYPTED PRIVATE KEY") throw new KeyFileError("unknown-format");
  const [scheme, encrypted] = children(decode(der));
  const { salt, iterations, hash, length, iv } = readScheme(scheme);
  if (!passphrase) throw new KeyFileError("passphrase-missing");
  const cipher = await derive(passphrase, { salt, iterations, hash }, length, "decrypt");
  try {
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-CBC", iv }, cipher, encrypted.content));
  } catch {
    throw new KeyFileError("passphrase-wrong");
  }
}

/* How a file is encrypted. Its costs are bounded before they are paid. */
function readScheme(scheme) {
  const [name, parameters] = children(scheme);
  if (dotted(name) !== OID.pbes2) throw new KeyFileError("unknown-format");
  const [derivation, encryption] = children(parameters);
  const [function_, costs] = children(derivation);
  const [cipher, iv] = children(encryption);
  const length = CIPHERS[dotted(cipher)];
  if (dotted(function_) !== OID.pbkdf2 || !length) throw new KeyFileError("unknown-format");
  const [salt, rounds, ...further] = children(costs);
  const prf = further.find((one) => one.tag === TAG.sequence);
  const hash = HASHES[prf ? dotted(children(prf)[0]) : OID.hmacWithSHA1];
  const iterations = small(rounds);
  if (!hash || iterations > MAX_ROUNDS) throw new KeyFileError("unknown-format");
  return { salt: salt.content, iterations, hash, length, iv: iv.content };
}

/* A cipher key from a passphrase. Composed characters (NFC): the same passphrase, typed elsewhere, opens it. */
async function derive(passphrase, { salt, iterations, hash }, length, use) {
  const secret = new TextEncoder().encode(passphrase.normalize("NFC"));
  const material = await crypto.subtle.importKey("raw", secret, "PBKDF2", false, ["deriveKey"]);
  const derivation = { name: "PBKDF2", salt, iterations, hash };
  return crypto.subtle.deriveKey(derivation, material, { name: "AES-CBC", length }, false, [use]);
}

async function fingerprintOfKey(pkcs8) {
  const [, identifier] = children(decode(pkcs8));
  const [name, curve] = children(identifier);
  const kind = COMPARED[dotted(name)];
  if (!kind || (kind.curve && kind.curve !== dotted(curve))) throw new KeyFileError("key-kind");
  const privateKey = await crypto.subtle.importKey("pkcs8", pkcs8, kind.algorithm, true, ["sign"]);
  const whole = await crypto.subtle.exportKey("jwk", privateKey);
  const jwk = Object.fromEntries(kind.members.map((member) => [member, whole[member]]));
  const publicKey = await crypto.subtle.importKey("jwk", jwk, kind.algorithm, true, ["verify"]);
  const digest = await crypto.subtle.digest("SHA-256", await crypto.subtle.exportKey("spki", publicKey));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
