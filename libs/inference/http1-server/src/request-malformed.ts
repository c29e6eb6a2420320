/** What came is no HTTP/1.1 request, or one that could be read in two ways, or it did not come in time. */
export class RequestMalformed extends Error {
  override readonly name = 'RequestMalformed';
  readonly status: 400 | 408 | 431 | 501 | 505;

  constructor(message: string, status: RequestMalformed['status'] = 400) {
    super(message);
    this.status = status;
  }
}
