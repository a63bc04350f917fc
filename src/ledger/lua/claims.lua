#!lua flags=allow-oom
--!prelude
-- A page of the claims on the books, for reconciling: a small step, so that Redis never feels it.
-- The buckets' names are known (_prelude.lua), so no key but ours is looked at.
-- ARGV: "p" for what is pending or the day of what was booked, the first bucket, HSCAN's cursor in
-- it, buckets at most, about how many entries at most.
-- Returns {epoch, Redis' time in ms, time of the last purge in ms, next bucket, next cursor (bucket
-- -1: that was all), names, then for each bucket that has something its number and its fields}.
local shelf = ARGV[1]
local bucket, cursor = tonumber(ARGV[2]), ARGV[3]
local buckets_max, entries_max = tonumber(ARGV[4]), tonumber(ARGV[5])
if not bucket or not buckets_max or not entries_max then
  return redis.error_reply('ERR malformed cursor')
end
local now = redis.call('TIME')
local now_ms = tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)
local result = { epoch, string.format('%.0f', now_ms),
  redis.call('GET', prefix .. 'purged') or '0', -1, '0', redis.call('HGETALL', prefix .. 'names') }

-- What is pending is one bucket; the number of a booked one stands in its key as two bytes.
local last, before, name_of = 0, prefix .. 'pending', function() return '' end
if shelf ~= 'p' then
  local of_day = epoch .. ':' .. shelf
  if redis.call('EXISTS', prefix .. 'd:' .. of_day) == 0 then return result end
  last, before = 65535, prefix .. 'b:' .. of_day .. ':'
  name_of = function(number) return string.char(math.floor(number / 256), number % 256) end
end
local buckets, entries = 0, 0
while bucket <= last and buckets < buckets_max and entries < entries_max do
  local page = redis.call('HSCAN', before .. name_of(bucket), cursor, 'COUNT', entries_max)
  if #page[2] > 0 then
    result[#result + 1], result[#result + 2] = bucket, page[2]
    entries = entries + #page[2] / 2
  end
  cursor = page[1]
  if cursor == '0' then bucket, buckets = bucket + 1, buckets + 1 end
end
if bucket <= last then result[4], result[5] = bucket, cursor end
return result
