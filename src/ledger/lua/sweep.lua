#!lua flags=allow-oom
-- A small step of clearing away what earlier epochs left. ARGV: SCAN cursor, keys per step.
-- Returns {next cursor, keys unlinked}.
local prefix = KEYS[1]
local epoch = tonumber(redis.call('GET', prefix .. 'epoch') or '0')
local page = redis.call('SCAN', ARGV[1], 'MATCH', prefix .. '[bds]:*', 'COUNT', ARGV[2])
local removed = 0
for _, key in ipairs(page[2]) do
  local of_epoch = tonumber(string.match(key, '^[bds]:(%d+):', #prefix + 1))
  if of_epoch and of_epoch < epoch then removed = removed + redis.call('UNLINK', key) end
end
return { page[1], removed }
