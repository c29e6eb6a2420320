/** A request header field that is known by name. */
export interface HeaderField {
  /** In lower case. */
  name: string;
  /** Index among the known fields. */
  index: number;
  /** Whether the field is forwarded to the model server. */
  forwarded: boolean;
  /**
   * A bit of its own if the field may occur only once, because it affects a decision here or at the model server;
   * otherwise 0.
   */
  single: number;
}

/**
 * The request headers that are forwarded to a model server: content headers, the fields of the inference protocols and
 * the trace context. CloudEvents attributes follow below. This is an allowlist, so a future header that claims an
 * identity or selects a route is dropped by default.
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

/** Fields that the canonicaliser reads or refuses, and fields so common that their names need no further check. */
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

/** Looks up a field by name in any case. The two spellings that nearly all clients use are found without conversion. */
export function headerField(spelling: string): HeaderField | undefined {
  return bySpelling.get(spelling) ?? bySpelling.get(spelling.toLowerCase());
}

/**
 * Whether `name`, in any case, is a CloudEvents attribute in binary mode. These fields are forwarded in both
 * directions.
 */
export function isEventAttribute(name: string): boolean {
  return /^ce-[a-z0-9]{1,64}$/i.test(name);
}

function titleCase(name: string): string {
  return name.replace(/(?<=^|-)[a-z]/g, (letter) => letter.toUpperCase());
}
