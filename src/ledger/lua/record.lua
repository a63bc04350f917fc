#!lua flags=allow-oom
--!prelude
-- Puts the outcomes of a batch on the books: idempotent, and complete enough to restore a claim
-- that was forgotten. ARGV as for claim; entries of 46 bytes: those of claim, then booked 1,
-- reason 1, epoch known 1, epoch 4.
-- Returns {replies, names}: per entry verdict 1, other processor 1 (see `out`).
local DONE, CONTRADICTION, FENCED = 0, 1, 2
local ENTRY = 46

local tbl, incarnation, nonce, data = ARGV[1], ARGV[2], ARGV[3], ARGV[5]
local horizon = tonumber(ARGV[6])
if #tbl ~= 16 or #incarnation ~= 8 or #nonce ~= 8 or #data % ENTRY ~= 0 or not horizon then
  return redis.error_reply('ERR malformed batch')
end
local count = #data / ENTRY
local replies = {}
local function answer(verdict, other)
  replies[#replies + 1] = pack_struct('>I1I1', verdict, other)
end

if not owner_is_current(tbl, incarnation, nonce) then
  for _ = 1, count do answer(FENCED, NONE) end
  return { table.concat(replies), '' }
end

local to_ledger, to_caller = read_names(ARGV[4])
local unknown_name = false
-- The caller's id of a processor, or 32 + its ledger index if the caller has no such name.
local function out(index)
  local id = to_caller[index]
  if id then return id end
  unknown_name = true
  return 32 + index
end
-- The whole batch is validated before the first write: an error undoes nothing.
for i = 0, count - 1 do
  if not to_ledger[string.byte(data, i * ENTRY + 27)] then
    return redis.error_reply('ERR malformed batch: no such processor')
  end
end
-- Sums of this batch by processor and millisecond: [processor][at] = {count, cents}.
local sums = {}

local function add(processor, at, cents)
  local by_time = sums[processor]
  if not by_time then
    by_time = {}
    sums[processor] = by_time
  end
  local sum = by_time[at]
  if sum then
    sum[1], sum[2] = sum[1] + 1, sum[2] + cents
  else
    by_time[at] = { 1, cents }
  end
end

local function is_own_or_nobodys(id, position)
  local pending = redis.call('HGET', pending_key(id), id)
  return not pending
    or string.sub(pending, 1, 24) == tbl .. string.sub(data, position + 16, position + 23)
end

-- The entry is on the books, by whomever: what was pending under its id is settled, ours and
-- another owner's alike, as every question looks at the books first.
local function settle(id, verdict, other)
  redis.call('HDEL', pending_key(id), id)
  answer(verdict, other)
end

local function record_one(position)
  local id = string.sub(data, position, position + 15)
  local _, processor, at, cents, booked, reason, epoch_known, claimed_in =
    unpack_struct('>I2I1I6I6I1I1I1I4', data, position + 24)
  local index = to_ledger[processor]
  if booked == 0 and not is_own_or_nobodys(id, position) then
    return answer(DONE, NONE) -- another owner may still book it
  end
  local counted = epoch_known == 0 or claimed_in >= epoch
  local kind = booked == 0 and 2 + reason or (counted and 0 or 1)
  local home, field = booked_key(today, id), string.sub(id, 3)
  local value = pack_struct('>I1I1I6I6', kind, index, at, cents)
  local older = had_yesterday and redis.call('HGET', booked_key(today - 1, id), field)
  if older or redis.call('HSETNX', home, field, value) == 0 then
    older = older or redis.call('HGET', home, field)
    local older_kind, older_processor = unpack_struct('>I1I1', older)
    if booked == 0 then return settle(id, DONE, NONE) end
    if older_kind < 2 then
      if older_processor == index then return settle(id, DONE, NONE) end
      return settle(id, CONTRADICTION, out(older_processor))
    end
    redis.call('HSET', home, field, value) -- it was called rejected, and is booked after all
  end
  if redis.call('HLEN', home) == 1 then
    redis.call('EXPIREAT', home, (today + 1) * 86400 + horizon)
  end
  if kind == 0 then add(index, at, cents) end
  settle(id, DONE, NONE)
end

redis.call('SET', prefix .. 'd:' .. epoch .. ':' .. today, 1, 'EX', 2 * 86400 + horizon)
for i = 0, count - 1 do record_one(i * ENTRY + 1) end

-- The totals last: a tree of radix 64 over time. A node of level L counts 64^L milliseconds; its
-- key holds 64 of them. Level 5 is one key for all time.
local function add_to_tree(processor, by_time)
  for level = 0, 5 do
    local width = 64 ^ level
    local nodes = {}
    for at, sum in pairs(by_time) do
      local node = math.floor(at / width)
      local total = nodes[node]
      if total then
        total[1], total[2] = total[1] + sum[1], total[2] + sum[2]
      else
        nodes[node] = { sum[1], sum[2] }
      end
    end
    for node, total in pairs(nodes) do
      local key, index
      if level == 5 then
        key, index = prefix .. 's:' .. epoch .. ':5', pack_struct('>I2', node)
      else
        key = prefix .. 's:' .. epoch .. ':' .. level .. ':' .. string.format('%.0f', math.floor(node / 64))
        index = string.char(node % 64)
      end
      local who = string.char(processor)
      redis.call('HINCRBY', key, 'c' .. who .. index, string.format('%.0f', total[1]))
      redis.call('HINCRBY', key, 'a' .. who .. index, string.format('%.0f', total[2]))
    end
  end
end
for processor, by_time in pairs(sums) do add_to_tree(processor, by_time) end

return { table.concat(replies), unknown_name and all_names() or '' }
