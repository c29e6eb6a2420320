/** The protocols the gateway understands; each has its own error dialect. */
export const protocols = ['v1', 'v2', 'grpc', 'openai', 'anthropic', 'timeseries', 'graph'] as const;
export type Protocol = (typeof protocols)[number];

/** Whether a server has it below its OpenAI prefix, and lists its models for it under `/v1/models` there. */
export function isOnOpenaiSurface(protocol: Protocol): boolean {
  return protocol === 'openai' || protocol === 'anthropic';
}
