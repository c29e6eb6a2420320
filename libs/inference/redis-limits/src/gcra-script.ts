/**
 * One atomic attempt on one counter, equivalent to `Gcra.take`. A counter is `backlog:at:unit`. Every value is an
 * integer below 2^53, the range in which Lua counts exactly.
 *
 * KEYS: counter. ARGV: quota, unit, capacity, now in milliseconds, cost in units. Returns the backlog after the attempt
 * and the backlog that the attempt would have needed.
 */
export const gcraScript = `
local quota, unit, capacity = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local now, cost = tonumber(ARGV[4]), tonumber(ARGV[5])
local backlog, at = 0, now
local kept = redis.call('GET', KEYS[1])
if kept then
  local former
  backlog, at, former = string.match(kept, '^(%d+):(-?%d+):(%d+)$')
  backlog, at, former = tonumber(backlog), tonumber(at), tonumber(former)
  if former ~= unit then backlog = math.ceil(backlog / former * unit) end
  backlog = math.min(backlog, capacity)
  local elapsed = now - at
  if elapsed >= 0 then backlog = math.max(0, backlog - math.min(elapsed * quota, capacity)) end
  if elapsed >= 0 or -elapsed * quota > capacity then at = now end
end
local wanted = math.min(backlog + cost * unit, 9007199254740991)
if wanted <= capacity then backlog = wanted end
if backlog == 0 then
  redis.call('DEL', KEYS[1])
else
  local left = math.ceil(backlog / quota) + math.max(0, at - now)
  redis.call('SET', KEYS[1], string.format('%.0f:%.0f:%.0f', backlog, at, unit), 'PX', string.format('%.0f', left + 1000))
end
return { string.format('%.0f', backlog), string.format('%.0f', wanted) }
`;
