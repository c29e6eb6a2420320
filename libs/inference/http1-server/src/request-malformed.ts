/** The input is not an HTTP/1.1 request, is ambiguous, or did not arrive in time. */
export class RequestMalformed extends Error {
  override readonly name = 'RequestMalformed';
  readonly status: 400 | 408 | 431 | 501 | 505;

  constructor(message: string, status: RequestMalformed['status'] = 400) {
    super(message);
    this.status = status;
  }
}
