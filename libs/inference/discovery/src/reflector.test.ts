import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeCluster, FakeSurroundings, object, page } from './fake-cluster.fixture.ts';
import { KubernetesError } from './kubernetes-client.ts';
import { Reflector } from './reflector.ts';
import { inferenceServices, llmInferenceServices } from './resource.ts';

let cluster: FakeCluster;
let surroundings: FakeSurroundings;
let reflector: Reflector<string>;
let changes: number;

function follow(resource = inferenceServices, namespace?: string): void {
  reflector = new Reflector({
    client: cluster,
    resource,
    namespace,
    surroundings,
    read: ({ metadata, spec }) => `${metadata.name}${typeof spec === 'string' ? `:${spec}` : ''}`,
    onChange: () => (changes += 1),
  });
  reflector.start();
}
const known = (): string[] => [...reflector.objects];

beforeEach(() => {
  cluster = new FakeCluster();
  surroundings = new FakeSurroundings();
  changes = 0;
});
afterEach(() => reflector.stop());

describe('Reflector', () => {
  it('reads every page of a list and watches from the version of its first one', async () => {
    cluster.answerLists(page('7', [object('a')], 'next'), page('7', [object('b')]));
    follow();
    const watch = await cluster.watchNumber(0);
    expect(known()).toEqual(['a', 'b']);
    expect(cluster.lists.map(({ from }) => from)).toEqual([undefined, 'next']);
    expect(watch).toMatchObject({ resourceVersion: '7', seconds: 25 });
    expect(reflector.settled).toBe(true);
    expect(changes).toBe(1);
  });

  it('shows a list only after its last page has arrived', async () => {
    cluster.answerLists(page('7', [object('a')]));
    follow();
    (await cluster.watchNumber(0)).end(new KubernetesError('gone', 410));
    cluster.answerLists(page('9', [object('b')], 'next'), new KubernetesError('the token has expired', 410));
    cluster.answerLists(page('10', [object('c')]));
    await cluster.watchNumber(1);
    expect(known()).toEqual(['c']);
    expect(changes).toBe(2);
  });

  it('follows objects that are added, changed, deleted and created again', async () => {
    cluster.answerLists(page('1', [object('a')]));
    follow();
    const { onEvent } = await cluster.watchNumber(0);
    onEvent({ type: 'ADDED', object: object('b'), resourceVersion: '2' });
    onEvent({ type: 'MODIFIED', object: object('a', { spec: 'new' }), resourceVersion: '3' });
    expect(known()).toEqual(['a:new', 'b']);
    onEvent({ type: 'DELETED', object: object('a'), resourceVersion: '4' });
    onEvent({ type: 'ADDED', object: object('a', { spec: 'again' }), resourceVersion: '5' });
    expect(known()).toEqual(['b', 'a:again']);
  });

  it('does not report a change without effect', async () => {
    cluster.answerLists(page('1', [object('a', { spec: 'same' })]));
    follow();
    const watch = await cluster.watchNumber(0);
    const status = object('a', { spec: 'same', status: { ready: true } });
    watch.onEvent({ type: 'MODIFIED', object: status, resourceVersion: '2' });
    expect(changes).toBe(1);
    watch.end();
    expect((await cluster.watchNumber(1)).resourceVersion).toBe('2');
  });

  it('continues after the last event or bookmark when the API server ends a watch', async () => {
    cluster.answerLists(page('1', []));
    follow();
    const first = await cluster.watchNumber(0);
    first.onEvent({ type: 'ADDED', object: object('a'), resourceVersion: '2' });
    first.onEvent({ type: 'BOOKMARK', resourceVersion: '40' });
    first.end();
    expect((await cluster.watchNumber(1)).resourceVersion).toBe('40');
    expect(cluster.lists).toHaveLength(1);
    expect(surroundings.slept).toEqual([]);
  });

  it('continues from the same version after a lost connection, and keeps the known objects meanwhile', async () => {
    cluster.answerLists(page('1', [object('a')]));
    follow();
    (await cluster.watchNumber(0)).end(new KubernetesError('the API server does not answer: ECONNREFUSED'));
    const again = await cluster.watchNumber(1);
    expect(again.resourceVersion).toBe('1');
    expect(known()).toEqual(['a']);
    expect(reflector.problem).toBe('the API server does not answer: ECONNREFUSED');
    again.onOpen();
    expect(reflector.problem).toBeUndefined();
  });

  it('lists again immediately if the requested history is forgotten', async () => {
    cluster.answerLists(page('1', [object('a'), object('b')]));
    follow();
    const first = await cluster.watchNumber(0);
    cluster.answerLists(page('90', [object('b', { spec: 'new' })]));
    first.end(new KubernetesError('too old resource version', 410));
    expect((await cluster.watchNumber(1)).resourceVersion).toBe('90');
    expect(known()).toEqual(['b:new']);
    expect(surroundings.slept).toEqual([0]);
    expect(reflector.problem).toBeUndefined();
  });

  it('lists again after any other error answer, because a restored cluster does not know later versions', async () => {
    cluster.answerLists(page('900', []), page('12', [object('a')]));
    follow();
    (await cluster.watchNumber(0)).end(new KubernetesError('Too large resource version', 504));
    expect((await cluster.watchNumber(1)).resourceVersion).toBe('12');
  });

  it('waits longer after each failure, up to half a minute, and not at all after a success', async () => {
    follow();
    while (cluster.lists.length < 9) await Promise.resolve();
    expect(surroundings.slept.slice(0, 8)).toEqual([375, 750, 1500, 3000, 6000, 12_000, 22_500, 22_500]);
    cluster.answerLists(page('1', []));
    const watch = await cluster.watchNumber(0);
    watch.onEvent({ type: 'BOOKMARK', resourceVersion: '2' });
    watch.end(new KubernetesError('the API server does not answer'));
    await cluster.watchNumber(1);
    expect(surroundings.slept.at(-1)).toBe(375);
  });

  it('backs off from an API server that ends every watch immediately', async () => {
    cluster.answerLists(page('1', []));
    follow();
    (await cluster.watchNumber(0)).end();
    await cluster.watchNumber(1);
    expect(surroundings.slept).toEqual([375]);
    expect(reflector.problem).toBe('the API server ends every watch at once');
  });

  it('backs off from an API server that forgets its history immediately', async () => {
    cluster.answerLists(...Array.from({ length: 4 }, () => page('1', [])));
    follow();
    for (let n = 0; n < 3; n += 1) (await cluster.watchNumber(n)).end(new KubernetesError('gone', 410));
    await cluster.watchNumber(3);
    expect(surroundings.slept).toEqual([0, 375, 750]);
  });

  it('uses the older version of a kind if the cluster does not serve the newer one', async () => {
    cluster.answerLists(new KubernetesError('not found', 404), page('1', [object('a')]));
    follow(llmInferenceServices);
    expect((await cluster.watchNumber(0)).collection.version).toBe('v1alpha1');
    expect(known()).toEqual(['a']);
  });

  it('is settled if the cluster does not have the kind, and reports that', async () => {
    cluster.answerLists(new KubernetesError('not found', 404), new KubernetesError('not found', 404));
    follow(llmInferenceServices);
    while (reflector.problem === undefined) await Promise.resolve();
    expect(reflector.problem).toBe(
      'the cluster has no serving.kserve.io/v1alpha2 or serving.kserve.io/v1alpha1 LLMInferenceService',
    );
    expect(reflector.settled).toBe(true);
  });

  it('is not settled while the API server forbids the list', async () => {
    cluster.answerLists(new KubernetesError('inferenceservices is forbidden', 403));
    follow();
    while (reflector.problem === undefined) await Promise.resolve();
    expect(reflector.problem).toBe('inferenceservices is forbidden');
    expect(reflector.settled).toBe(false);
  });

  it('keeps the known objects if the list is forbidden later', async () => {
    cluster.answerLists(page('1', [object('a')]), new KubernetesError('forbidden', 403), page('2', []));
    follow();
    (await cluster.watchNumber(0)).end(new KubernetesError('forbidden', 403));
    while (cluster.lists.length < 2) await Promise.resolve();
    expect(known()).toEqual(['a']);
    await cluster.watchNumber(1);
    expect(known()).toEqual([]);
  });

  it('reports when the API server last answered', async () => {
    cluster.answerLists(page('1', []));
    follow();
    expect(reflector.heardAt).toBeUndefined();
    const watch = await cluster.watchNumber(0);
    surroundings.time += 20_000;
    watch.onEvent({ type: 'BOOKMARK', resourceVersion: '2' });
    expect(reflector.heardAt).toBe(surroundings.time);
    const last = surroundings.time;
    watch.end(new KubernetesError('the API server does not answer'));
    await cluster.watchNumber(1);
    expect(reflector.heardAt).toBe(last);
  });

  it('follows only one namespace if configured', async () => {
    cluster.answerLists(page('1', []));
    follow(inferenceServices, 'fraud');
    const { collection } = await cluster.watchNumber(0);
    expect([cluster.lists[0]?.collection.namespace, collection.namespace]).toEqual(['fraud', 'fraud']);
  });

  it('stops in the middle of a watch', async () => {
    cluster.answerLists(page('1', []));
    follow();
    await cluster.watchNumber(0);
    await reflector.stop();
    expect(cluster.watches).toHaveLength(1);
    expect(reflector.problem).toBeUndefined();
  });
});
