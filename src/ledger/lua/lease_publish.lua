#!lua flags=allow-oom
-- Publishes the health snapshot while the lease is ours. ARGV: token, text. Returns 1 or 0.
if redis.call('GET', KEYS[1] .. 'lease') ~= ARGV[1] then return 0 end
local now = redis.call('TIME')
local now_ms = tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)
redis.call('HSET', KEYS[1] .. 'health', 'text', ARGV[2], 'at', string.format('%.0f', now_ms))
return 1
