let second = 0;
let text = '';

/** The time of now as a `Date` field has it (RFC 9110 §5.6.7); spelt once a second. */
export function httpDate(now = Date.now()): string {
  const seconds = Math.floor(now / 1000);
  if (seconds !== second) {
    second = seconds;
    text = new Date(seconds * 1000).toUTCString();
  }
  return text;
}
