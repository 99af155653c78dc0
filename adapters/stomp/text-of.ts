/**
 * The text of a body. ActiveMQ passes the text of a Java program on as Java keeps it: "modified UTF-8", in which a
 * character outside the basic plane is two surrogates of three bytes each, and U+0000 is C0 80
 * (java.io.DataInput). Neither occurs in UTF-8, so both can be told from it.
 */
export function textOf(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  if (!text.includes('\ufffd')) return text;
  const plain = bytes
    .toString('latin1')
    .replaceAll('\xc0\x80', '\0')
    .replaceAll(/\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]/g, inUtf8);
  return Buffer.from(plain, 'latin1').toString('utf8');
}

function inUtf8(surrogates: string): string {
  const at = (index: number): number => surrogates.charCodeAt(index) & 0x3f;
  const high = (at(1) << 6) | at(2);
  const low = (at(4) << 6) | at(5);
  // The three-byte form of a surrogate has D as its upper four bits; what is left are 10 bits and the kind.
  const codePoint = 0x1_0000 + ((high & 0x3ff) << 10) + (low & 0x3ff);
  return Buffer.from(String.fromCodePoint(codePoint)).toString('latin1');
}
