import type { Runtime } from '@modelgate/catalogue';

/** How a server that KServe chooses for a model answers. */
export interface ServerKind {
  runtime?: Runtime;
  /** Beside the protocol that was declared, or in its place. */
  openai?: 'also' | 'only';
  /** Models go by the names of folders in the storage, which no object of the cluster tells. */
  namedByStorage?: true;
  /** It starts without a model in storage. */
  withoutStorage?: true;
}

/** `protocolVersion` of a predictor, as far as the gateway speaks it. */
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

/** Which of them KServe chooses for a format over a protocol; what is missing it refuses as well. */
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

/** Of a server that is none of KServe's own, nothing is known but what the object declares. */
const unknown: ServerKind = { withoutStorage: true };

/** @returns undefined where KServe has no server for this format over this protocol */
export function serverKind(
  format: string,
  protocol: ProtocolVersion,
  runtime: string | undefined,
): ServerKind | undefined {
  if (runtime !== undefined) return byName[runtime] ?? unknown;
  return Object.hasOwn(byFormat, format) ? byFormat[format]?.[protocol] : unknown;
}

/** What KServe takes for the protocol where an object does not say. */
export function defaultProtocol(format: string, runtime: string | undefined, asOldSchema: boolean): ProtocolVersion {
  if (format === 'triton' || runtime === 'kserve-tritonserver' || runtime === 'kserve-mlserver') return 'v2';
  return asOldSchema && (format === 'onnx' || format === 'huggingface') ? 'v2' : 'v1';
}
