/** A running model server with the protocols V1 and V2, bound to loopback. */
export interface ModelServer {
  kind: 'kserve' | 'stand-in';
  url: string;
  port: number;
  /** Where it speaks gRPC; absent for the stand-in. */
  grpcUrl?: string;
  /** The names it knows its models by. */
  models: readonly string[];
  /** Absent for the stand-in. */
  logFile?: string;
  stop(): Promise<void>;
}

/** How many numbers a row for each model has. */
export const modelFeatures: Readonly<Record<string, number>> = { iris: 4, digits: 64 };
