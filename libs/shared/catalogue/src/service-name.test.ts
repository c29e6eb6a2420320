import { describe, expect, it } from 'vitest';
import { parseServiceName, serviceNameOf } from './service-name.ts';

describe('the name of a service', () => {
  it('is namespace/name', () => {
    expect(parseServiceName('fraud/iris')).toEqual({ namespace: 'fraud', name: 'iris' });
    expect(serviceNameOf({ model: 'fraud/iris' })).toEqual({ namespace: 'fraud', name: 'iris' });
  });

  it.each(['fraud/iris#alias', 'fraud', 'Fraud/iris', 'a/b/c', ''])('is not %j', (model) => {
    expect(parseServiceName(model)).toBeUndefined();
    expect(() => serviceNameOf({ model })).toThrow(new TypeError(`${model} is not of the form namespace/name`));
  });
});
