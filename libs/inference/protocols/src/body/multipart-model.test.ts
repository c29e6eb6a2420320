import { describe, expect, it } from 'vitest';
import { multipartBoundary } from '../request/content-type.ts';
import { locateMultipartModel } from './multipart-model.ts';

const modelPart = 'Content-Disposition: form-data; name="model"\r\n\r\nwhisper';
const filePart = 'Content-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\nRIFF';

const form = (...parts: string[]): string => `${parts.map((part) => `--b\r\n${part}\r\n`).join('')}--b--\r\n`;
const located = (text: string) => locateMultipartModel(Buffer.from(text, 'latin1'), 'b');

describe('locateMultipartModel', () => {
  it.each<[string, string]>([
    ['the first part', form(modelPart, filePart)],
    ['the last part', form(filePart, modelPart)],
    [
      'a part that says what it is',
      form(modelPart.replace('\r\n\r\n', '\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n')),
    ],
    [
      'fields and types in other letters',
      form(modelPart.replace('Content-Disposition: form', 'CONTENT-disposition:Form')),
    ],
    ['no line break at the end', form(modelPart).slice(0, -2)],
    ['beside a part whose name ends in it', form(filePart.replace('"file"', '"submodel"'), modelPart)],
    [
      'beside a file whose type says more',
      form(filePart.replace('audio/wav', 'audio/webm;codecs="opus, vorbis"'), modelPart),
    ],
    ['a part with more spaces', form(modelPart.replace('; name', '  ;  name'))],
    ['a part that says that it is text', form(modelPart.replace('\r\n\r\n', '\r\nContent-Type: text/plain\r\n\r\n'))],
    ['beside a file that looks like a form', form(filePart.replace('RIFF', modelPart), modelPart)],
    ['beside a file with the dashes alone', form(filePart.replace('RIFF', '\r\n--\r\n--c\r\n'), modelPart)],
  ])('reads the name from %s', (_what, text) => {
    const start = text.lastIndexOf('whisper');
    expect(located(text)).toEqual({ name: 'whisper', start, end: start + 7 });
  });

  it.each<[string, string, string]>([
    ['no part', '--b--\r\n', 'model_missing'],
    ['no model', form(filePart), 'model_missing'],
    ['two models', form(modelPart, modelPart), 'model_ambiguous'],
    ['a model in other letters', form(modelPart.replace('model', 'Model')), 'model_ambiguous'],
    ['a model and one in brackets', form(modelPart, modelPart.replace('model', 'model[]')), 'model_ambiguous'],
    ['a model that is a file', form(modelPart.replace('"model"', '"model"; filename="m"')), 'model_missing'],
    [
      'a model in JSON',
      form(modelPart.replace('\r\n\r\n', '\r\nContent-Type: application/json\r\n\r\n')),
      'model_missing',
    ],
    [
      'a model in UTF-16',
      form(modelPart.replace('\r\n\r\n', '\r\nContent-Type: text/plain;charset=utf-16\r\n\r\n')),
      'model_missing',
    ],
    ['a model that is no UTF-8', form(`${modelPart}\xff`), 'model_missing'],
    ['a model with a line break', form(`${modelPart}\r\n`), 'model_missing'],
    ['an empty model', form(modelPart.slice(0, -7)), 'model_missing'],
  ])('refuses %s', (_what, text, problem) => {
    expect(located(text)).toMatchObject({ reason: problem });
  });

  it.each<[string, string]>([
    ['nothing', ''],
    ['another boundary to begin with', form(modelPart).replace('--b', '--c')],
    ['a file name that is no UTF-8', form(filePart.replace('a.wav', '\xff'), modelPart)],
    ['a header before the header', form(`X-${modelPart}`)],
    ['something before form-data', form(modelPart.replace('form-data', 'x-form-data'))],
    ['something before a type', form(filePart.replace('audio/wav', '"audio/wav'), modelPart)],
    ['something behind a type', form(filePart.replace('audio/wav', 'audio/wav; x'), modelPart)],
    ['a type with an escaped quote', form(filePart.replace('audio/wav', 'audio/wav; a="\\""'), modelPart)],
    ['a header that is too long', form(filePart.replace('audio/wav', `audio/wav; a=${'x'.repeat(3_000)}`), modelPart)],
    ['a preamble', `x\r\n${form(modelPart)}`],
    ['a line break before the first boundary', `\r\n${form(modelPart)}`],
    ['an epilogue', `${form(modelPart)}x`],
    ['a form behind the form', form(modelPart) + form(modelPart)],
    ['no end', form(modelPart).slice(0, -6)],
    ['half an end', form(modelPart).slice(0, -3)],
    ['bare line feeds', form(modelPart).replaceAll('\r\n', '\n')],
    ['a bare line feed before a boundary', form(`${modelPart}\n--b\r\n${filePart}`)],
    ['a boundary within a line', form(`${modelPart}--b\r\n${filePart}`)],
    ['a boundary that goes on', form(`${modelPart}\r\n--bc\r\n${filePart}`)],
    ['a space behind a boundary', form(modelPart, filePart).replace('whisper\r\n--b', 'whisper\r\n--b ')],
    ['a header that is folded', form(modelPart.replace('; name', ';\r\n name'))],
    ['an unknown header', form(`X: y\r\n${modelPart}`)],
    ['a Content-Transfer-Encoding', form(`Content-Transfer-Encoding: base64\r\n${modelPart}`)],
    ['a repeated header', form(`Content-Disposition: form-data; name="x"\r\n${modelPart}`)],
    ['a part without a header', form('\r\nwhisper')],
    ['a part without a Content-Disposition', form('Content-Type: text/plain\r\n\r\nwhisper')],
    ['a name without quotes', form(modelPart.replace('"model"', 'model'))],
    ['a name in percent-encoding', form(modelPart.replace('"model"', '"mod%65l"'))],
    ['a name with a backslash', form(modelPart.replace('"model"', '"mod\\el"'))],
    ['a name twice', form(modelPart.replace('"model"', '"x"; name="model"'))],
    ['an extended name', form(modelPart.replace('name="model"', "name*=utf-8''model"))],
    ['an extended file name', form(filePart.replace('filename="a.wav"', "filename*=utf-8''a.wav"), modelPart)],
    ['a file name that ends its quotes early', form(filePart.replace('a.wav', 'a\\"; name=\\"model'), modelPart)],
    ['an attachment', form(modelPart.replace('form-data', 'attachment'))],
    ['a form within the form', form(modelPart, filePart.replace('audio/wav', 'multipart/mixed; boundary=c'))],
    ['a charset for all parts', form('Content-Disposition: form-data; name="_charset_"\r\n\r\nutf-7', modelPart)],
    ['a header that does not end', form(`${modelPart.slice(0, 30)}${'x'.repeat(5_000)}`)],
    ['more parts than any form has', form(...Array.from({ length: 65 }, () => modelPart))],
  ])('refuses %s', (_what, text) => {
    expect(located(text)).toMatchObject({ reason: 'body_malformed' });
  });

  it.each<[string, string]>([
    [form(modelPart, modelPart), 'The form must have exactly one part model, spelt in lower case.'],
    [form(modelPart.slice(0, -7)), 'model must be text of up to 256 visible characters.'],
    [form(modelPart.replace('"model"', '"_charset_"')), 'A form must be UTF-8, without a part _charset_.'],
    ['x', 'The form has data before its first boundary.'],
    [form(...Array.from({ length: 65 }, () => filePart)), 'The form has more than 64 parts.'],
    [form(modelPart).slice(0, -7), 'The form has a part without an end.'],
    [form(`${modelPart}--b\r\n${filePart}`), 'The form has a part without an end.'],
    [`${form(modelPart)}x`, 'The form has data after a boundary.'],
    ['--b\r\n--b--\r\n', 'The form has a part whose header does not end.'],
    [form('Content-Type: text/plain'), 'The form has a part whose header does not end.'],
    [form(filePart.replace('a.wav', '\xff')), 'The form has a header that is not UTF-8.'],
    [form('Content-Type: text/plain\r\n\r\nwhisper'), 'The form has a part without one plain Content-Disposition.'],
    [
      form(filePart.replace('audio/wav', 'Multipart/mixed')),
      'The form has a part whose content type is malformed or multipart.',
    ],
    [form(`X: y\r\n${modelPart}`), 'The form has a header that is unknown or repeated.'],
  ])('reports what is wrong: %#', (text, message) => {
    expect(located(text)).toMatchObject({ message });
  });

  it('accepts the maximum number of parts and the maximum header length', () => {
    const others = Array.from({ length: 63 }, () => filePart);
    expect(located(form(...others, modelPart))).toMatchObject({ name: 'whisper' });
    const head = filePart.length - 'RIFF'.length;
    const typed = (length: number) => filePart.replace('audio/wav', `audio/wav;a=${'x'.repeat(length - head - 3)}`);
    expect(located(form(typed(2_048), modelPart))).toMatchObject({ name: 'whisper' });
    expect(located(form(typed(2_049), modelPart))).toMatchObject({ reason: 'body_malformed' });
  });

  it('reads a form that FormData writes', async () => {
    const data = new FormData();
    data.append('file', new File(['RIFF'], 'größe "1".wav', { type: 'audio/wav' }));
    data.append('timestamp_granularities[]', 'word');
    data.append('timestamp_granularities[]', 'segment');
    data.append('model', 'audio/whisper');
    const request = new Request('http://localhost', { method: 'POST', body: data });
    const boundary = multipartBoundary(request.headers.get('content-type') ?? '') ?? '';
    const body = Buffer.from(await request.arrayBuffer());
    expect(locateMultipartModel(body, boundary)).toMatchObject({ name: 'audio/whisper' });
  });

  it('takes time linear in the size of the body', () => {
    const body = Buffer.from(form(filePart.replace('RIFF', '\r\n--'.repeat(2_000_000)), modelPart));
    const started = process.cpuUsage();
    expect(locateMultipartModel(body, 'b')).toMatchObject({ name: 'whisper' });
    expect(process.cpuUsage(started).user).toBeLessThan(5_000_000);
  });
});
