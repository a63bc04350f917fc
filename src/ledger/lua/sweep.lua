#!lua flags=allow-oom
-- A small step of clearing away what earlier epochs left, and days whose horizon has passed.
-- ARGV: SCAN cursor, keys per step, horizon in seconds. Returns {next cursor, keys unlinked}.
local prefix, horizon = KEYS[1], tonumber(ARGV[3])
if not horizon then return redis.error_reply('ERR no horizon') end
local epoch = tonumber(redis.call('GET', prefix .. 'epoch') or '0')
local now = tonumber(redis.call('TIME')[1])
local page = redis.call('SCAN', ARGV[1], 'MATCH', prefix .. '[bds]:*', 'COUNT', ARGV[2])
local removed = 0
for _, key in ipairs(page[2]) do
  local kind, of_epoch, day = string.match(key, '^([bds]):(%d+):(%d*)', #prefix + 1)
  of_epoch, day = tonumber(of_epoch), tonumber(day)
  local past = of_epoch and
    (of_epoch < epoch or (kind == 'b' and (day + 1) * 86400 + horizon <= now))
  if past then removed = removed + redis.call('UNLINK', key) end
end
return { page[1], removed }
