/** One request header field that is known by name. */
export interface HeaderField {
  /** In lower case. */
  name: string;
  /** Its place among the known fields. */
  index: number;
  /** Whether it reaches the model server. */
  forwarded: boolean;
  /** A bit of its own where it has one value, because it decides something here or at the model server; else 0. */
  single: number;
}

/**
 * What a model server gets to see of its caller's headers: the content, the inference protocol's own fields and the
 * trace; further below, the events of CloudEvents' binary mode. A list of what is kept rather than of what is removed:
 * the next header that claims an identity or chooses a route is left out before anybody has heard of it.
 */
const forwarded = [
  'accept',
  'accept-encoding',
  'content-encoding',
  'content-length',
  'content-type',
  'inference-header-content-length',
  'x-request-id',
  'traceparent',
  'tracestate',
  'b3',
  'x-b3-traceid',
  'x-b3-spanid',
  'x-b3-parentspanid',
  'x-b3-sampled',
  'x-b3-flags',
];

const single = [
  'host',
  'authorization',
  'x-api-key',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'inference-header-content-length',
  'traceparent',
  'transfer-encoding',
  'x-request-id',
];

/** Read or refused by the canonicaliser, or so common that their names need no second look. */
const others = [
  'connection',
  'upgrade',
  'http2-settings',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-original-url',
  'x-rewrite-url',
  'accept-language',
  'cookie',
  'user-agent',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
];

export const headerFields: readonly HeaderField[] = [...new Set([...single, ...forwarded, ...others])].map(
  (name, index) => ({
    name,
    index,
    forwarded: forwarded.includes(name),
    single: single.includes(name) ? 1 << single.indexOf(name) : 0,
  }),
);

const bySpelling = new Map(
  headerFields.flatMap((field) => [[field.name, field] as const, [titleCase(field.name), field] as const]),
);

/** The field of a header name in any case; the two spellings that nearly every client uses are found at once. */
export function headerField(spelling: string): HeaderField | undefined {
  return bySpelling.get(spelling) ?? bySpelling.get(spelling.toLowerCase());
}

/** Whether `name`, in any case, is an attribute of a CloudEvent in binary mode; such fields are forwarded both ways. */
export function isEventAttribute(name: string): boolean {
  return /^ce-[a-z0-9]{1,64}$/i.test(name);
}

function titleCase(name: string): string {
  return name.replace(/(?<=^|-)[a-z]/g, (letter) => letter.toUpperCase());
}
