/**
 * Certificates, keys and authorities from PEM files: checked when they are read, read again when they change, and given to
 * listeners without closing a connection. Owns which versions and ciphers are spoken. Opens no socket.
 */
export { CertificateError, type CertificateFiles } from './certificates.ts';
export { CertificateWatch } from './certificate-watch.ts';
export { clientOptions, serverOptions } from './tls-options.ts';
export { listenerCertificates } from './listener-certificates.ts';
