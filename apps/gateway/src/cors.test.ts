import { describe, expect, it } from 'vitest';
import { Cors, isOrigin } from './cors.ts';

const cors = new Cors(['https://console.example.com', 'http://localhost:5173']);

describe('Cors', () => {
  it('names an allowed origin, and never a wildcard or credentials', () => {
    const fields = cors.fields('https://console.example.com');
    expect(fields['access-control-allow-origin']).toBe('https://console.example.com');
    expect(fields['access-control-expose-headers']).toBe('*');
    expect(fields['vary']).toBe('origin');
    expect(Object.keys(fields)).not.toContain('access-control-allow-credentials');
  });

  it.each([
    undefined,
    'null',
    '*',
    'https://console.example.com.evil.example',
    'https://CONSOLE.example.com',
    'http://console.example.com',
    'https://console.example.com:8443',
  ])('sends no CORS fields to the origin %s', (origin) => {
    expect(cors.fields(origin)).toEqual({ vary: 'origin' });
    expect(cors.preflight(origin ?? '')).toEqual({ vary: 'origin' });
  });

  it('permits in a preflight what a call to a model needs', () => {
    const fields = cors.preflight('http://localhost:5173');
    expect(fields['access-control-allow-origin']).toBe('http://localhost:5173');
    expect(fields['access-control-allow-methods']).toBe('GET, POST');
    // The wildcard does not cover Authorization (Fetch Standard).
    expect(fields['access-control-allow-headers']).toBe('authorization, *');
    expect(fields['access-control-max-age']).toBe('600');
  });

  it('is off without origins', () => {
    expect(new Cors([]).enabled).toBe(false);
    expect(cors.enabled).toBe(true);
  });
});

describe('isOrigin', () => {
  it.each(['https://a.example', 'http://localhost:5173', 'https://a.example:8443'])('accepts %s', (text) => {
    expect(isOrigin(text)).toBe(true);
  });

  it.each([
    '*',
    'null',
    'a.example',
    'https://a.example/',
    'https://a.example/x',
    'https://A.example',
    'ftp://a.example',
  ])('refuses %s', (text) => expect(isOrigin(text)).toBe(false));
});
