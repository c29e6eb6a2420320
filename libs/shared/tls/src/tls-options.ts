import type { ConnectionOptions, TlsOptions } from 'node:tls';
import type { Certificates } from './certificates.ts';

/** Forward secrecy and authenticated encryption, nothing else (RFC 9325 §4.2); those of TLS 1.3 are all of that kind. */
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/**
 * What a listener is made with, and given again when the files have changed. With an authority, callers must show a
 * certificate of it (mutual TLS).
 */
export function serverOptions({ cert, key, ca }: Certificates): TlsOptions {
  return {
    cert,
    key,
    ciphers,
    minVersion: 'TLSv1.2',
    honorCipherOrder: true,
    handshakeTimeout: 10_000,
    ...(ca !== undefined && { ca, requestCert: true, rejectUnauthorized: true }),
  };
}

/** What a connection to another server is made with: who it may be, and who we are. */
export function clientOptions({ cert, key, ca }: Certificates): ConnectionOptions {
  return {
    minVersion: 'TLSv1.2',
    ciphers,
    rejectUnauthorized: true,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert, key }),
  };
}
