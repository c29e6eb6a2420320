let second = 0;
let text = '';

/** The current time as a `Date` field value (RFC 9110 §5.6.7), formatted once per second. */
export function httpDate(now = Date.now()): string {
  const seconds = Math.floor(now / 1000);
  if (seconds !== second) {
    second = seconds;
    text = new Date(seconds * 1000).toUTCString();
  }
  return text;
}
