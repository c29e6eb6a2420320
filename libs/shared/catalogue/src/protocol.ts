/** The protocols the gateway understands; each has its own error dialect. */
export const protocols = ['v1', 'v2', 'grpc', 'openai', 'anthropic', 'timeseries', 'graph'] as const;
export type Protocol = (typeof protocols)[number];
