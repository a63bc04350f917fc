#!lua flags=allow-oom
-- Empties the books in one step: everything counted is of the epoch before. When that was is kept
-- for reconciling. Returns the epoch that begins.
local now = redis.call('TIME')
local now_ms = tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)
redis.call('SET', KEYS[1] .. 'purged', string.format('%.0f', now_ms))
return redis.call('INCR', KEYS[1] .. 'epoch')
