/**
 * What both apps need of Nest: configuration, log, errors, health, request ids, the HTTP application itself.
 * Owns the plumbing and no decision; nothing in here knows a token, a key or a model.
 */
export {
  absoluteUri,
  commaSeparated,
  configured,
  ConfigurationError,
  duration,
  issuerUrl,
  loadConfig,
  port,
  redisUrl,
  wholeNumber,
  type Environment,
} from './configuration.ts';
export { readConfigurationFile } from './configuration-file.ts';
export { sendTagged, type TaggedDocument } from './entity-tag.ts';
export { HealthModule, ReadinessChecks } from './health.ts';
export { createHttpApplication, type ErrorAnswers, type HttpApplicationOptions } from './http-application.ts';
export { listenerSettings, transportProblems } from './listener-settings.ts';
export { createLogger, logLevel, logListening, type Logger } from './logger.ts';
export { OAuthErrorFilter } from './oauth-error-filter.ts';
export { reasonOf } from './reason.ts';
export { requestId } from './request-id.ts';
export { RequestRefusal } from './request-refusal.ts';
export { runMain } from './run-main.ts';
export { runService } from './run-service.ts';
export { settingsOf, type Setting } from './settings.ts';
export { sourceAddress, strictTransportSecurity, TrustedProxies } from './transport.ts';
export type { ErrorBody } from './unparsed-request.ts';
export { WatchedFile } from './watched-file.ts';
