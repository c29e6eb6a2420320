import type { Runtime } from '@modelgate/catalogue';

/** The properties of a server that KServe selects for a model. */
export interface ServerKind {
  runtime?: Runtime;
  /** Added to the declared protocol, or used in its place. */
  openai?: 'also' | 'only';
  /** The server names models by folders in the storage, which no object of the cluster lists. */
  namedByStorage?: true;
  /** The server starts without a model in storage. */
  withoutStorage?: true;
}

/** Supported values of a predictor's `protocolVersion`. */
export type ProtocolVersion = 'v1' | 'v2' | 'grpc-v2';

const python: ServerKind = { runtime: 'kserve' };
const mlserver: ServerKind = { runtime: 'mlserver' };
const triton: ServerKind = { runtime: 'triton', namedByStorage: true };
const torchserve: ServerKind = { namedByStorage: true };
const tensorflow: ServerKind = { runtime: 'tensorflow' };
const huggingface: ServerKind = { runtime: 'huggingface', openai: 'also', withoutStorage: true };
const vllm: ServerKind = { runtime: 'vllm', openai: 'only', withoutStorage: true };
const openvino: ServerKind = { runtime: 'openvino' };

/** The ClusterServingRuntimes that KServe installs. */
const byName: Readonly<Record<string, ServerKind>> = {
  'kserve-sklearnserver': python,
  'kserve-xgbserver': python,
  'kserve-lgbserver': python,
  'kserve-pmmlserver': python,
  'kserve-paddleserver': python,
  'kserve-predictiveserver': python,
  'kserve-mlserver': mlserver,
  'kserve-tritonserver': triton,
  'kserve-torchserve': torchserve,
  'kserve-tensorflow-serving': tensorflow,
  'kserve-huggingfaceserver': huggingface,
  'kserve-huggingfaceserver-multinode': huggingface,
  'kserve-vllmserver': vllm,
};

/** The server that KServe selects for a format and a protocol. KServe refuses the missing combinations as well. */
const byFormat: Readonly<Record<string, Partial<Record<ProtocolVersion, ServerKind>>>> = {
  sklearn: { v1: python, v2: mlserver, 'grpc-v2': mlserver },
  xgboost: { v1: python, v2: mlserver, 'grpc-v2': mlserver },
  lightgbm: { v1: python, v2: mlserver, 'grpc-v2': mlserver },
  mlflow: { v2: mlserver, 'grpc-v2': mlserver },
  pmml: { v1: python, v2: python },
  paddle: { v1: python, v2: python },
  tensorflow: { v1: tensorflow, v2: triton, 'grpc-v2': triton },
  pytorch: { v1: torchserve, v2: torchserve, 'grpc-v2': torchserve },
  onnx: { v2: triton, 'grpc-v2': triton },
  triton: { v2: triton, 'grpc-v2': triton },
  tensorrt: { v2: triton, 'grpc-v2': triton },
  huggingface: { v1: huggingface, v2: huggingface },
  vllm: { v1: vllm, v2: vllm },
  openvino: { v2: openvino, 'grpc-v2': openvino },
};

/** For a server that is not KServe's own, only the object's declarations are known. */
const unknown: ServerKind = { withoutStorage: true };

/**
 *
 * @returns undefined if KServe has no server for this format and protocol
 */
export function serverKind(
  format: string,
  protocol: ProtocolVersion,
  runtime: string | undefined,
): ServerKind | undefined {
  if (runtime !== undefined) return byName[runtime] ?? unknown;
  return Object.hasOwn(byFormat, format) ? byFormat[format]?.[protocol] : unknown;
}

/** The protocol that KServe assumes if an object declares none. */
export function defaultProtocol(format: string, runtime: string | undefined, asOldSchema: boolean): ProtocolVersion {
  if (format === 'triton' || runtime === 'kserve-tritonserver' || runtime === 'kserve-mlserver') return 'v2';
  return asOldSchema && (format === 'onnx' || format === 'huggingface') ? 'v2' : 'v1';
}
