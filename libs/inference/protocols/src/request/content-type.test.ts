import { describe, expect, it } from 'vitest';
import { isJsonType, multipartBoundary } from './content-type.ts';

describe('isJsonType', () => {
  it.each([
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
  ])('accepts %s', (type) => {
    expect(isJsonType(type)).toBe(true);
  });

  it.each([
    '',
    'text/plain',
    'text/json',
    'application/vnd.api+json',
    'application/jsonp',
    'application/json+x; charset=utf-8',
    'application/json\ta',
    'application/json, text/plain',
    'application/json; charset=utf-16',
    'application/json; charset=utf-8; charset=utf-16',
    'application/json; boundary=b',
    'application/json;',
    ' application/json',
    'multipart/form-data; boundary=b',
  ])('refuses %j', (type) => {
    expect(isJsonType(type)).toBe(false);
  });
});

describe('multipartBoundary', () => {
  it.each([
    ['multipart/form-data; boundary=----formdata-undici-012345678901', '----formdata-undici-012345678901'],
    [
      'multipart/form-data; boundary=------------------------d74496d66958873e',
      '------------------------d74496d66958873e',
    ],
    ['multipart/form-data;boundary="a b=c"', undefined],
    ['Multipart/Form-Data; Boundary="a:b"', 'a:b'],
    [`multipart/form-data; boundary=${'b'.repeat(70)}`, 'b'.repeat(70)],
    [`multipart/form-data; boundary=${'b'.repeat(71)}`, undefined],
    ['multipart/form-data', undefined],
    ['x-multipart/form-data; boundary=b', undefined],
    ['multipart/form-data-x; boundary=b', undefined],
    ['multipart/form-data ;\t boundary=b', 'b'],
    ['multipart/form-data; boundary=', undefined],
    ['multipart/form-data; boundary=""', undefined],
    ['multipart/form-data; boundary="a\\"', undefined],
    ['multipart/form-data; boundary=a; boundary=b', undefined],
    ['multipart/form-data; charset=utf-8; boundary=a', undefined],
    ["multipart/form-data; boundary*=utf-8''a", undefined],
    ['multipart/mixed; boundary=a', undefined],
    ['application/json', undefined],
  ])('reads %s', (type, boundary) => {
    expect(multipartBoundary(type)).toBe(boundary);
  });
});
