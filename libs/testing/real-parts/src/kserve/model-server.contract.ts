import { expect, test } from 'vitest';
import { modelFeatures, type ModelServer } from './model-server.ts';

const setosa = [5.1, 3.5, 1.4, 0.2];
const virginica = [6.5, 3, 5.2, 2];
// The first row of the handwritten digits: a zero.
const zero = [
  0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0, 0, 3, 15, 2, 0, 11, 8, 0, 0, 4, 12, 0, 0, 8, 8, 0, 0, 5, 8, 0, 0,
  9, 8, 0, 0, 4, 11, 0, 1, 12, 7, 0, 0, 2, 14, 5, 10, 12, 0, 0, 0, 0, 6, 13, 10, 0, 0, 0,
];

/** What the suites rely on, of KServe's own server and of what stands in for it alike. */
export function modelServerContract(current: () => ModelServer): void {
  const get = async (path: string): Promise<[number, unknown]> => answer(await fetch(`${current().url}${path}`));
  const post = async (path: string, body: unknown): Promise<[number, unknown]> => {
    const headers = { 'content-type': 'application/json' };
    return answer(await fetch(`${current().url}${path}`, { method: 'POST', body: JSON.stringify(body), headers }));
  };

  test('both models are ready and listed', async () => {
    expect(await get('/v2/health/ready')).toEqual([200, { ready: true }]);
    const [, listed] = await get('/v1/models');
    expect(listed).toEqual({ models: expect.arrayContaining(['iris', 'digits']) });
    for (const model of current().models)
      expect(await get(`/v1/models/${model}`)).toEqual([200, { name: model, ready: true }]);
    expect(current().models.toSorted()).toEqual(Object.keys(modelFeatures).toSorted());
  });

  test('V1 predicts the class of each row', async () => {
    expect(await post('/v1/models/iris:predict', { instances: [setosa, virginica] })).toEqual([
      200,
      { predictions: [0, 2] },
    ]);
    expect(await post('/v1/models/digits:predict', { instances: [zero] })).toEqual([200, { predictions: [0] }]);
  });

  test('V1 explains a prediction by what each feature added', async () => {
    const [status, body] = await post('/v1/models/iris:explain', { instances: [virginica] });
    expect(status).toBe(200);
    const { explanations } = body as { explanations: { class: number; contributions: number[] }[] };
    expect(explanations).toEqual([{ class: 2, contributions: expect.any(Array) }]);
    expect(explanations[0]?.contributions).toHaveLength(4);
    // Wide and long petals are what tells a virginica.
    expect(explanations[0]?.contributions[3]).toBeGreaterThan(explanations[0]?.contributions[0] ?? Infinity);
  });

  test('V2 infers on a tensor of rows', async () => {
    const tensor = { name: 'input-0', shape: [2, 4], datatype: 'FP64', data: [...setosa, ...virginica] };
    const [status, body] = await post('/v2/models/iris/infer', { id: '42', inputs: [tensor] });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      model_name: 'iris',
      id: '42',
      outputs: [{ name: 'output-0', shape: [2], datatype: 'INT64', data: [0, 2] }],
    });
  });

  test('V2 describes its tensors', async () => {
    const [, body] = await get('/v2/models/digits');
    expect(body).toMatchObject({ name: 'digits', inputs: [{ name: 'input-0', shape: [-1, 64] }] });
  });

  test.each([
    ['an unknown model', '/v1/models/nope:predict', { instances: [setosa] }, 404],
    ['an unknown model on V2', '/v2/models/nope/infer', { inputs: [] }, 404],
    ['rows that are too short', '/v1/models/iris:predict', { instances: [[1, 2]] }, 400],
    ['no rows', '/v1/models/iris:predict', { instances: [] }, 400],
    ['a row of text', '/v1/models/iris:predict', { instances: [['a', 'b', 'c', 'd']] }, 400],
    ['no list', '/v1/models/iris:predict', { instances: 5 }, 400],
    [
      'a shape that does not fit',
      '/v2/models/iris/infer',
      { inputs: [{ name: 'input-0', shape: [2, 4], datatype: 'FP64', data: [1] }] },
      400,
    ],
  ])('%s is refused', async (_, path, body, status) => {
    expect(await post(path, body)).toEqual([status, { error: expect.any(String) }]);
  });
}

async function answer(response: Response): Promise<[number, unknown]> {
  return [response.status, await response.json()];
}
