#!lua flags=allow-oom
-- Takes the lease if it is free, renews it if it is ours, and reads the snapshot. Every instance
-- calls this every few seconds at most, so the live ones are counted here too.
-- The visits of auditors pass through here too: the caller tells those that it knows, and reads
-- those of the fleet.
-- ARGV: token, time to live in ms, the id of the expected books (empty: any), visits.
-- Returns {held, holder, snapshot, its age in ms by Redis' clock, instances, visits}.
-- Visits are Unix ms in decimal, with blanks between.
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

-- A set of bounded size, whatever a peer writes. A time has 13 digits and is its own score.
local visits, kept_max, read_max = KEYS[1] .. 'visits', 64, 32
local old_ms, ahead_ms = 600000, 60000
local kind = redis.call('TYPE', visits).ok
if kind ~= 'zset' and kind ~= 'none' then redis.call('DEL', visits) end
local told = 0
for at in string.gmatch(ARGV[4] or '', '%d+') do
  if #at == 13 and told < read_max then
    redis.call('ZADD', visits, at, at)
    told = told + 1
  end
end
local known = {}
if told > 0 or kind == 'zset' then
  redis.call('ZREMRANGEBYSCORE', visits, '-inf', string.format('(%.0f', now_ms - old_ms))
  redis.call('ZREMRANGEBYSCORE', visits, string.format('(%.0f', now_ms + ahead_ms), '+inf')
  redis.call('ZREMRANGEBYRANK', visits, 0, -kept_max - 1)
  redis.call('PEXPIRE', visits, old_ms)
  for _, at in ipairs(redis.call('ZREVRANGE', visits, 0, read_max - 1)) do
    if #at == 13 then known[#known + 1] = at end
  end
end
return { holder == token and 1 or 0, holder, snapshot[1] or '', age_ms, redis.call('ZCARD', live),
  table.concat(known, ' ') }
