/** What a body says it is, in the two forms that name a model. */

const json = /^application\/json(?:[ \t]*;[ \t]*charset=(?:utf-8|"utf-8"))?$/i;
const formData = /^multipart\/form-data[ \t]*;[ \t]*boundary=(?:([!#$%&'*+.^_`|~0-9A-Za-z-]{1,70})|"([^"\\]{1,70})")$/i;
/** RFC 2046 §5.1.1, without the space, which may not be its last character. */
const boundaryCharacters = /^[0-9A-Za-z'()+_,./:=?-]+$/;

/** Whether it is JSON (RFC 8259), which is UTF-8 and has no parameters; one that says UTF-8 is let pass. */
export function isJsonType(contentType: string): boolean {
  return json.test(contentType);
}

/** The boundary of multipart/form-data (RFC 7578), or undefined where the type is another or has a second reading. */
export function multipartBoundary(contentType: string): string | undefined {
  const [, token, quoted] = formData.exec(contentType) ?? [];
  const boundary = token ?? quoted;
  return boundary !== undefined && boundaryCharacters.test(boundary) ? boundary : undefined;
}
