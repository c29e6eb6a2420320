/**
 * What both apps need of Nest: configuration, log, errors, health, request ids, the HTTP application itself.
 * Owns the plumbing and no decision; nothing in here knows a token, a key or a model.
 */
export {
  absoluteUri,
  ConfigurationError,
  duration,
  issuerUrl,
  loadConfig,
  port,
  wholeNumber,
  type Environment,
} from './configuration.ts';
export { HealthModule, ReadinessChecks } from './health.ts';
export { createHttpApplication, type ErrorAnswers, type HttpApplicationOptions } from './http-application.ts';
export { createLogger, logListening, NestLogger, type Logger } from './logger.ts';
export { OAuthErrorFilter } from './oauth-error-filter.ts';
export { requestId } from './request-id.ts';
export { runMain } from './run-main.ts';
export { runService, type ServiceMain } from './run-service.ts';
