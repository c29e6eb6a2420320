import { z } from 'zod';

const portSchema = z.looseObject({ name: z.string().optional(), containerPort: z.int().min(1).max(65_535) });

export const containerSchema = z.looseObject({
  name: z.string().optional(),
  command: z.array(z.string()).default([]),
  args: z.array(z.string()).default([]),
  env: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })).default([]),
  ports: z.array(portSchema).default([]),
});

/** What a container says about its server. */
export type Container = z.infer<typeof containerSchema>;

/** The value of `--flag value` or `--flag=value`; the last of several counts, as in every argument parser. */
export function argumentOf({ command, args }: Container, flag: string): string | undefined {
  const words = [...command, ...args];
  return words
    .map((word, index) =>
      word === flag ? words[index + 1] : word.startsWith(`${flag}=`) ? word.slice(flag.length + 1) : undefined,
    )
    .findLast((value) => value !== undefined);
}

export function variableOf({ env }: Container, name: string): string | undefined {
  return env.findLast((variable) => variable.name === name)?.value;
}

/** The gRPC port of a container, by the port names that KServe and Knative recognise. */
export function grpcPort({ ports }: Container): { first: boolean; port: number } | undefined {
  const index = ports.findIndex(({ name }) => name !== undefined && /^(?:h2c|grpc)(?:-|\d|$)/.test(name));
  const port = ports[index]?.containerPort;
  return port === undefined ? undefined : { first: index === 0, port };
}
