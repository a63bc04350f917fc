#!lua flags=allow-oom
--!prelude
-- A page of the claims on the books, for reconcile: a small step, so that Redis is not delayed.
-- The buckets' names are known (_prelude.lua), so only our keys are read.
-- ARGV: "p" for pending claims or the number of a shelf, the first bucket, HSCAN's cursor in it,
-- buckets at most, about how many entries at most.
-- Returns {epoch, Redis' time in ms, since when payments are known in ms, next bucket (-1: none is
-- left), next cursor, names, number of the present shelf, how many buckets the shelf has, then for
-- each bucket that is not empty the first bytes of its ids, which are not in its fields, and its
-- fields}.
local asked, bucket, cursor = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local buckets_max, entries_max = tonumber(ARGV[4]), tonumber(ARGV[5])
if not bucket or not buckets_max or not entries_max then
  return redis.error_reply('ERR malformed cursor')
end
local now = call('TIME')
local now_ms = tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)
-- The last purge, or the end of what was forgotten. If nothing was forgotten yet, a day before the
-- first shelf: what a gateway had accepted by then may be booked later.
local known_from = memory_began()
if not known_from then
  known_from = now[1]
  if shelves then known_from = shelves.number > 1 and shelves.older_began or shelves.began end
  known_from = known_from - 86400
end
local purged_ms = tonumber(call('GET', prefix .. 'purged') or '0')
local result = { epoch, decimal('%.0f', now_ms),
  decimal('%.0f', math.max(purged_ms, known_from * 1000)), -1, '0',
  call('HGETALL', prefix .. 'names'), shelves and shelves.number or 0, 1 }

-- Pending claims are one bucket. The number of a shelf's bucket is the first bits of its ids.
local last, key_of = 0, function() return pending_key, '' end
local shelf = nil
if asked ~= 'p' then
  local number = tonumber(asked)
  if shelves and number == shelves.number then shelf = present end
  if shelves and number == shelves.number - 1 then shelf = older end
  if not shelf then return result end
  last = 2 ^ shelf.bits - 1
  result[8] = last + 1
  key_of = function(number_of_bucket)
    local whole, step = shelf.whole, shelf.step
    local first = step and math.floor(number_of_bucket * step / 256) or number_of_bucket
    local bytes = whole == 1 and char(first) or char(math.floor(first / 256), first % 256)
    return shelf.key .. bytes .. (step and char(number_of_bucket * step % 256) or ''), bytes
  end
end
-- What was rejected on the older shelf and booked after all is on the present one too.
local function without_overtaken(bytes, fields)
  local left = {}
  for i = 1, #fields, 2 do
    if byte(fields[i + 1]) < 2 or not value_on(present, bytes .. fields[i]) then
      left[#left + 1], left[#left + 2] = fields[i], fields[i + 1]
    end
  end
  return left
end
local buckets, entries = 0, 0
while bucket <= last and buckets < buckets_max and entries < entries_max do
  local key, bytes = key_of(bucket)
  local page = call('HSCAN', key, cursor, 'COUNT', entries_max)
  if #page[2] > 0 then
    result[#result + 1] = bytes
    result[#result + 1] = shelf and shelf == older and without_overtaken(bytes, page[2]) or page[2]
    entries = entries + #page[2] / 2
  end
  cursor = page[1]
  if cursor == '0' then bucket, buckets = bucket + 1, buckets + 1 end
end
if bucket <= last then result[4], result[5] = bucket, cursor end
return result
