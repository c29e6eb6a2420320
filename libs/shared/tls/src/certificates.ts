import { createHash, createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';

/** A file that cannot be used, in one sentence with its path and never with its content. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
}

/** Paths of PEM files. */
export interface CertificateFiles {
  /** The certificate and those between it and a root, leaf first. */
  certFile?: string | undefined;
  keyFile?: string | undefined;
  /** Authorities the other side's certificate must come from. */
  caFile?: string | undefined;
}

/** What the files held when they were read. */
export interface Certificates {
  cert?: string;
  key?: string;
  ca?: string;
  /** When the first certificate of the chain ends, in milliseconds since the epoch. */
  expiresAt?: number;
  /** Of all contents; equal where nothing has changed. */
  digest: string;
}

/**
 * Reads and checks them: the chain parses, the key is the leaf's, nothing has ended.
 *
 * @param now milliseconds since the epoch
 * @throws CertificateError
 */
export function readCertificates(files: CertificateFiles, now: number): Certificates {
  const [cert, key, ca] = [files.certFile, files.keyFile, files.caFile].map(readPem);
  if (ca) chainOf(ca.file, ca.text);
  const expiresAt = cert && checkChain(cert, now);
  if (cert && key) checkKey(cert, key);
  return {
    digest: digestOf([cert, key, ca]),
    ...(cert && { cert: cert.text }),
    ...(key && { key: key.text }),
    ...(ca && { ca: ca.text }),
    ...(expiresAt !== undefined && { expiresAt }),
  };
}

function digestOf(parts: readonly (Pem | undefined)[]): string {
  return createHash('sha256')
    .update(JSON.stringify(parts.map((part) => part?.text ?? null)))
    .digest('base64');
}

interface Pem {
  file: string;
  text: string;
}

function readPem(file: string | undefined): Pem | undefined {
  if (file === undefined) return undefined;
  try {
    return { file, text: readFileSync(file, 'utf8') };
  } catch {
    throw new CertificateError(`${file} cannot be read`);
  }
}

function chainOf(file: string, text: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new CertificateError(`${file} holds no PEM certificate`);
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    throw new CertificateError(`${file} holds a certificate that cannot be read`);
  }
}

/** @returns when the chain ends */
function checkChain({ file, text }: Pem, now: number): number {
  const ends = chainOf(file, text).map((certificate) => certificate.validToDate.getTime());
  const end = Math.min(...ends);
  if (end <= now) throw new CertificateError(`${file} expired at ${new Date(end).toISOString()}`);
  return end;
}

function checkKey(cert: Pem, key: Pem): void {
  let parsed: KeyObject;
  try {
    parsed = createPrivateKey(key.text);
  } catch {
    throw new CertificateError(`${key.file} holds no unencrypted PEM private key`);
  }
  const [leaf] = chainOf(cert.file, cert.text);
  if (!leaf?.checkPrivateKey(parsed)) {
    throw new CertificateError(`${key.file} is not the key of the first certificate in ${cert.file}`);
  }
  try {
    createSecureContext({ cert: cert.text, key: key.text });
  } catch {
    throw new CertificateError(`${cert.file} and ${key.file} cannot be used for TLS`);
  }
}
