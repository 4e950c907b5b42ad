/* As much DER (ITU-T X.690) as keys and certificate requests need, and the PEM around it. */

export const TAG = {
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  nothing: 0x05,
  oid: 0x06,
  UTF8String: 0x0c,
  PrintableString: 0x13,
  IA5String: 0x16,
  sequence: 0x30,
  set: 0x31,
  attributes: 0xa0,
};

/* Writing */

/* One value: tag, length, content. content: byte arrays, one after the other. */
export function encode(tag, ...content) {
  const length = content.reduce((sum, part) => sum + part.length, 0);
  return concat([tag, ...lengthOf(length)], ...content);
}

export const sequence = (...content) => encode(TAG.sequence, ...content);
export const octets = (bytes) => encode(TAG.octets, bytes);
export const bits = (bytes) => encode(TAG.bits, [0], bytes);
export const nothing = () => encode(TAG.nothing);
export const text = (type, value) => encode(TAG[type], new TextEncoder().encode(value));

/* A number that is not negative: big-endian bytes, or a small JavaScript number. */
export function integer(value) {
  const bytes = typeof value === "number" ? base256(value) : stripped(value);
  return encode(TAG.integer, bytes[0] & 0x80 ? [0] : [], bytes);
}

/* An object identifier in its dotted form. */
export function oid(dotted) {
  const [first, second, ...rest] = dotted.split(".").map(Number);
  return encode(TAG.oid, [first * 40 + second, ...rest.flatMap(base128)]);
}

export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const lengthOf = (length) => (length < 0x80 ? [length] : [0x80 | base256(length).length, ...base256(length)]);

function base256(value) {
  const digits = [];
  do digits.unshift(value % 256);
  while ((value = Math.floor(value / 256)));
  return digits;
}

function base128(value) {
  const digits = [value % 128];
  while ((value = Math.floor(value / 128))) digits.unshift(0x80 | value % 128);
  return digits;
}

function stripped(bytes) {
  let zeros = 0;
  while (zeros < bytes.length - 1 && bytes[zeros] === 0) zeros += 1;
  return bytes.subarray(zeros);
}

/* Reading */

/* The first value in some bytes: its tag, its content, and what comes behind it. Throws RangeError. */
export function decode(bytes) {
  const [tag, first] = bytes;
  const many = first & 0x80 ? first & 0x7f : 0;
  const start = 2 + many;
  if (bytes.length < start || many > 3 || first === 0x80) throw new RangeError("not DER");
  const length = many ? bytes.subarray(2, start).reduce((sum, digit) => sum * 256 + digit, 0) : first;
  if (bytes.length < start + length) throw new RangeError("DER ends too early");
  return { tag, content: bytes.subarray(start, start + length), rest: bytes.subarray(start + length) };
}

/* The values inside a value. Throws RangeError. */
export function children(value) {
  const found = [];
  for (let rest = value.content; rest.length; rest = found.at(-1).rest) found.push(decode(rest));
  return found;
}

/* An object identifier as dotted text. */
export function dotted({ content }) {
  const numbers = [];
  let value = 0;
  for (const digit of content) {
    value = value * 128 + (digit & 0x7f);
    if (digit < 0x80) {
      numbers.push(value);
      value = 0;
    }
  }
  const first = Math.min(Math.floor(numbers[0] / 40), 2);
  return [first, numbers[0] - first * 40, ...numbers.slice(1)].join(".");
}

/* An integer that is small and not negative. */
export const small = ({ content }) => content.reduce((sum, digit) => sum * 256 + digit, 0);

/* PEM (RFC 7468) */

export function toPem(label, der) {
  const lines = btoa(Array.from(der, (byte) => String.fromCharCode(byte)).join("")).match(/.{1,64}/g);
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

/* The first block whose label ends so: its label and its bytes; null if there is none. */
export function fromPem(pem, ending) {
  const block = new RegExp(`-----BEGIN ((?:[A-Z0-9]+ )*${ending})-----([A-Za-z0-9+/=\\s]+)-----END \\1-----`);
  const found = block.exec(pem);
  return found && { label: found[1], der: Uint8Array.from(atob(found[2].replace(/\s/g, "")), (c) => c.charCodeAt(0)) };
}
