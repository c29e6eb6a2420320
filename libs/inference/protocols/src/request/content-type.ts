/** The two kinds of body that can name a model. */

const json = /^application\/json(?:[ \t]*;[ \t]*charset=(?:utf-8|"utf-8"))?$/i;
const formData = /^multipart\/form-data[ \t]*;[ \t]*boundary=(?:([!#$%&'*+.^_`|~0-9A-Za-z-]{1,70})|"([^"\\]{1,70})")$/i;
/** RFC 2046 §5.1.1, but without the space, which must not be the last character. */
const boundaryCharacters = /^[0-9A-Za-z'()+_,./:=?-]+$/;

/**
 * Whether the content type is JSON (RFC 8259). JSON is UTF-8 and has no parameters; `charset=utf-8` is accepted
 * nevertheless.
 */
export function isJsonType(contentType: string): boolean {
  return json.test(contentType);
}

/** The boundary of multipart/form-data (RFC 7578); undefined if the content type is another one or ambiguous. */
export function multipartBoundary(contentType: string): string | undefined {
  const [, token, quoted] = formData.exec(contentType) ?? [];
  const boundary = token ?? quoted;
  return boundary !== undefined && boundaryCharacters.test(boundary) ? boundary : undefined;
}
