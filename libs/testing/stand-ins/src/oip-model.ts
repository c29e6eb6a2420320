import { linearModels, type LinearModel } from './oip-weights.ts';

/** A request the server refuses; the message goes to the caller. */
export class OipError extends Error {
  override readonly name = 'OipError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const datatypes = new Set(['FP32', 'FP64', 'INT8', 'INT16', 'INT32', 'INT64', 'UINT8', 'UINT16', 'UINT32', 'UINT64']);

/** V1 `:predict`. @throws OipError */
export function predict(name: string, body: unknown): { predictions: number[] } {
  const model = modelNamed(name);
  return { predictions: instances(model, body).map((row) => classify(model, row)) };
}

/** V1 `:explain`: what each feature added to the score of the class that was chosen, beside an average row. @throws OipError */
export function explain(name: string, body: unknown): { explanations: { class: number; contributions: number[] }[] } {
  const model = modelNamed(name);
  const explanations = instances(model, body).map((row) => {
    const chosen = classify(model, row);
    const weights = model.weights[chosen] ?? [];
    return { class: chosen, contributions: row.map((value, i) => (value - (model.means[i] ?? 0)) * (weights[i] ?? 0)) };
  });
  return { explanations };
}

/** V2 model metadata. */
export function metadata(name: string): object {
  const features = modelNamed(name).means.length;
  return {
    name,
    versions: null,
    platform: '',
    inputs: [{ name: 'input-0', datatype: 'FP64', shape: [-1, features] }],
    outputs: [{ name: 'output-0', datatype: 'INT64', shape: [-1] }],
  };
}

/** V2 `infer` with one tensor of rows. @throws OipError */
export function infer(name: string, body: unknown): object {
  const model = modelNamed(name);
  const request = record(body, 'the body');
  const [tensor] = list(request['inputs'], 'inputs');
  const { shape, datatype, data } = record(tensor, 'inputs[0]');
  if (typeof datatype !== 'string' || !datatypes.has(datatype))
    throw new OipError(400, 'inputs[0].datatype is not one of numbers');
  const [rows, width] = list(shape, 'inputs[0].shape').map(Number);
  const values = list(data, 'inputs[0].data').flat();
  if (rows === undefined || width === undefined || rows * width !== values.length) {
    throw new OipError(400, 'inputs[0].shape does not fit inputs[0].data');
  }
  const matrix = Array.from({ length: rows }, (_, i) => values.slice(i * width, (i + 1) * width));
  const classes = checked(model, matrix).map((row) => classify(model, row));
  const output = { name: 'output-0', shape: [classes.length], datatype: 'INT64', parameters: null, data: classes };
  return { model_name: name, model_version: null, id: request['id'] ?? null, parameters: null, outputs: [output] };
}

function modelNamed(name: string): LinearModel {
  const model = linearModels[name];
  if (model) return model;
  throw new OipError(404, `Model with name ${name} does not exist.`);
}

function instances(model: LinearModel, body: unknown): number[][] {
  return checked(model, list(record(body, 'the body')['instances'], 'instances'));
}

function checked(model: LinearModel, rows: unknown[]): number[][] {
  const width = model.means.length;
  const fits = (row: unknown): row is number[] =>
    Array.isArray(row) && row.length === width && row.every(Number.isFinite);
  if (rows.length > 0 && rows.every(fits)) return rows;
  throw new OipError(400, `expected rows of ${width} finite numbers`);
}

function classify({ weights, intercepts }: LinearModel, row: readonly number[]): number {
  const scores = weights.map((weight, c) => weight.reduce((sum, w, i) => sum + w * (row[i] ?? 0), intercepts[c] ?? 0));
  return scores.indexOf(Math.max(...scores));
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new OipError(400, `${what} is not an object`);
}

function list(value: unknown, what: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new OipError(400, `Expected "${what}" to be a list`);
}
