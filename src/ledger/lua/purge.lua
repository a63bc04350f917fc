#!lua flags=allow-oom
-- Empties the books in one step: everything counted is of the epoch before. When that was is kept
-- for reconciling; that the books lacked payments is settled by it. ARGV: the id of the books that
-- are meant (empty: whatever is here). Returns the epoch that begins.
if ARGV[1] ~= '' and redis.call('GET', KEYS[1] .. 'books') ~= ARGV[1] then
  return redis.error_reply('OTHERBOOKS these are not the books of the caller')
end
local now = redis.call('TIME')
local now_ms = tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)
redis.call('SET', KEYS[1] .. 'purged', string.format('%.0f', now_ms))
redis.call('DEL', KEYS[1] .. 'lossy')
return redis.call('INCR', KEYS[1] .. 'epoch')
