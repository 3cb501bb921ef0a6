/**
 * Certificates and private keys as Envoy's TLS library will take them.
 *
 * @module
 */

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'

export type Parsed<T> = { readonly value: T } | { readonly wrong: string }

const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g

/** PEM as it is, or PEM in base64; the second is how a PEM file fits into one line of YAML. */
export function pemOf(text: string): string | undefined {
  if (text.includes('-----BEGIN ')) return text.endsWith('\n') ? text : `${text}\n`
  if (!/^[A-Za-z0-9+/_\s-]+=*\s*$/.test(text)) return undefined
  const decoded = Buffer.from(text, 'base64').toString('latin1')
  return decoded.includes('-----BEGIN ') ? (decoded.endsWith('\n') ? decoded : `${decoded}\n`) : undefined
}

/** The PEM blocks whose label is of the wanted kind. */
export function pemBlocks(pem: string, wanted: RegExp): string[] {
  return [...pem.matchAll(PEM_BLOCK)].filter(([, label]) => wanted.test(label ?? '')).map(([block]) => block)
}

/** Each certificate of a PEM text, in order. */
export function parseCertificates(
  text: string,
): Parsed<{ readonly pem: string; readonly chain: readonly X509Certificate[] }> {
  const pem = pemOf(text)
  const found = pem === undefined ? [] : pemBlocks(pem, /^(?:X509 |TRUSTED )?CERTIFICATE$/)
  if (pem === undefined || found.length === 0) return { wrong: 'holds no certificate in PEM form' }
  const chain: X509Certificate[] = []
  for (const [index, block] of found.entries()) {
    try {
      chain.push(new X509Certificate(block))
    } catch {
      return {
        wrong:
          found.length === 1
            ? 'holds a certificate that cannot be read'
            : `certificate ${index + 1} of ${found.length} cannot be read`,
      }
    }
  }
  return { value: { pem, chain } }
}

/** One private key, unencrypted. The message never quotes it. */
export function parsePrivateKey(text: string): Parsed<{ readonly pem: string; readonly key: KeyObject }> {
  const pem = pemOf(text)
  const found = pem === undefined ? [] : pemBlocks(pem, /PRIVATE KEY$/)
  if (pem === undefined || found.length === 0) return { wrong: 'holds no private key in PEM form' }
  if (pem.includes('ENCRYPTED'))
    return {
      wrong: 'is encrypted with a passphrase; decrypt it first (`openssl pkey -in key.pem -out plain.pem`)',
    }
  try {
    return { value: { pem, key: createPrivateKey(found[0] ?? '') } }
  } catch {
    return { wrong: 'holds a private key that cannot be read' }
  }
}

/** Why Envoy's TLS library would refuse to serve with such a key, or undefined. */
export function tlsKeyProblem(key: KeyObject): string | undefined {
  if (key.asymmetricKeyType === 'rsa') {
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
    return bits < 2048 ? `is an RSA key of ${bits} bits; at least 2048 are needed` : undefined
  }
  if (key.asymmetricKeyType === 'ec') {
    const curve = key.asymmetricKeyDetails?.namedCurve ?? ''
    const isKnown = ['prime256v1', 'secp384r1', 'secp521r1'].includes(curve)
    return isKnown ? undefined : `is a key on the curve ${curve}; P-256, P-384 or P-521 is needed`
  }
  return `is a key of type ${key.asymmetricKeyType ?? 'unknown'}; RSA or EC is needed`
}

/** Keys of the identity assertion: EC P-256 (ES256) or RSA (RS256), one or several in one PEM. */
export function signingKeyProblem(text: string): string | undefined {
  const pem = pemOf(text)
  const found = pem === undefined ? [] : pemBlocks(pem, /PRIVATE KEY$/)
  if (found.length === 0) return 'holds no private key in PEM form'
  for (const block of found) {
    const parsed = parsePrivateKey(block)
    if ('wrong' in parsed) return parsed.wrong
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = parsed.value.key
    if (type === 'ec' && details?.namedCurve === 'prime256v1') continue
    if (type === 'rsa' && (details?.modulusLength ?? 0) >= 2048) continue
    return 'must be an EC key on P-256 or an RSA key of at least 2048 bits'
  }
  return undefined
}
