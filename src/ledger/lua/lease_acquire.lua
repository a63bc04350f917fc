#!lua flags=allow-oom
-- Takes the lease if it is free, renews it if it is ours, and reads the snapshot. Every instance
-- calls this every few seconds at most, so the live ones are counted here too.
-- ARGV: token, time to live in ms, the id of the expected books (empty: any).
-- Returns {held, holder, snapshot, its age in ms by Redis' clock, instances}.
if ARGV[3] ~= '' and redis.call('GET', KEYS[1] .. 'books') ~= ARGV[3] then
  return redis.error_reply('OTHERBOOKS these are not the books of the caller')
end
local lease, token, ttl = KEYS[1] .. 'lease', ARGV[1], ARGV[2]
local holder = redis.call('GET', lease)
if not holder or holder == token then
  redis.call('SET', lease, token, 'PX', ttl)
  holder = token
end
local snapshot = redis.call('HMGET', KEYS[1] .. 'health', 'text', 'at')
local now = redis.call('TIME')
local now_ms = tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)
local age_ms = snapshot[2] and math.max(0, now_ms - tonumber(snapshot[2])) or 0
local live, live_ms = KEYS[1] .. 'live', 10000
redis.call('ZADD', live, string.format('%.0f', now_ms), token)
redis.call('ZREMRANGEBYSCORE', live, '-inf', string.format('(%.0f', now_ms - live_ms))
redis.call('PEXPIRE', live, live_ms)
return { holder == token and 1 or 0, holder, snapshot[1] or '', age_ms, redis.call('ZCARD', live) }
