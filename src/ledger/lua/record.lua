#!lua flags=allow-oom
--!prelude
-- Puts the outcomes of a batch on the books: idempotent, and complete enough to restore a claim
-- that was forgotten. ARGV as for claim up to the entries, which have 46 bytes: those of claim, then
-- booked 1, reason 1, epoch known 1, epoch 4; the horizon in seconds; the highest number confirmed;
-- ids that the table had before.
-- Returns {replies, names, number}, or the error LOST: per entry verdict 1, other processor 1 (see
-- `out`).
local DONE, CONTRADICTION, FENCED = 0, 1, 2
local ENTRY = 46
local COUNTED, FOLD = 13, 64 -- bytes of an entry among the recent ones, and how many of them wait

local tbl, incarnation, nonce, data = ARGV[1], ARGV[2], ARGV[3], ARGV[5]
local horizon = tonumber(ARGV[6])
if #tbl ~= 16 or #incarnation ~= 8 or #nonce ~= 8 or #data % ENTRY ~= 0 or #data > BATCH_MAX * ENTRY
  or not horizon then
  return redis.error_reply('ERR malformed batch')
end
local count = #data / ENTRY
local replies = {}
local decimal = string.format
local done = char(DONE, NONE)

local number, known_number = raise_number(tbl, ARGV[7])
if not number then return lost(known_number) end
local indexes = enter(tbl, incarnation, nonce, ARGV[4])
if not indexes then
  for i = 1, count do replies[i] = char(FENCED, NONE) end
  return { table.concat(replies), '', number }
end

local same_numbers = indexes == sub(IN_ORDER, 1, #indexes)
local unknown_name = false
-- The caller's id of a processor, or 32 + its ledger index if the caller has no such name.
local function out(index)
  local id = to_caller(indexes, index)
  if id >= 32 then unknown_name = true end
  return id
end
-- The whole batch is validated before the first write: an error undoes nothing.
for i = 0, count - 1 do
  if not to_ledger(indexes, byte(data, i * ENTRY + 27)) then
    return redis.error_reply('ERR malformed batch: no such processor')
  end
end
-- What this batch counts, as it stands in a value: processor 1, at 6, cents 6.
local counted = {}

-- The ids that need no claim any more.
local settled = {}

local function is_own_or_nobodys(id, position)
  local pending = call('HGET', pending_key, id)
  local owner = tbl .. sub(data, position + 16, position + 23)
  return not pending or sub(pending, 1, 24) == owner or is_inherited(pending, owner, ARGV[8])
end

-- As booked_value has it; or nil if another owner may still book it.
local usual = char(1, 0, 1) .. pack_struct('>I4', epoch)
local function value_of(position, id)
  local place = sub(data, position + 26, position + 38)
  if not same_numbers then place = char(to_ledger(indexes, byte(place))) .. sub(place, 2) end
  if sub(data, position + 39, position + 45) == usual then return char(0) .. place end
  local booked, reason, epoch_known, claimed_in = unpack_struct('>I1I1I1I4', data, position + 39)
  if booked == 0 then
    return is_own_or_nobodys(id, position) and char(2 + reason) .. place or nil
  end
  local counts = epoch_known == 0 or claimed_in >= epoch
  return char(counts and 0 or 1) .. place
end

-- Something is on the books under this id: what to answer, or nil if it makes way.
local function keep_older(older, value, home, field)
  local older_kind, older_processor = byte(older, 1, 2)
  if byte(value) >= 2 then return done end
  if older_kind < 2 then
    if older_processor == byte(value, 2) then return done end
    return char(CONTRADICTION, out(older_processor))
  end
  call('HSET', home, field, value) -- it was called rejected, and is booked after all
  return nil
end

local function record_one(position)
  local id = sub(data, position, position + 15)
  local value = value_of(position, id)
  if not value then return done end
  local bucket, field, reply = sub(id, 1, 2), sub(id, 3), nil
  local home = today_prefix .. bucket
  local older = had_yesterday and call('HGET', yesterday_prefix .. bucket, field)
  if older or call('HSETNX', home, field, value) == 0 then
    reply = keep_older(older or call('HGET', home, field), value, home, field)
  end
  if not reply and byte(value) == 0 then counted[#counted + 1] = sub(value, 2) end
  settled[#settled + 1] = id
  return reply or done
end

if not had_today then call('SET', day_prefix .. today, 1, 'EX', 2 * 86400 + horizon) end
for i = 0, count - 1 do replies[i + 1] = record_one(i * ENTRY + 1) end

-- The totals last: a tree of radix 64 over time. A node of level L counts 64^L milliseconds; its
-- key holds 64 of them. Level 5 is one key for all time.
local sums_prefix = prefix .. 's:' .. epoch .. ':'
local function add_to_tree(processor, by_time)
  local who = char(processor)
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
        key, index = sums_prefix .. '5', pack_struct('>I2', node)
      else
        key = sums_prefix .. level .. ':' .. decimal('%d', math.floor(node / 64))
        index = char(node % 64)
      end
      call('HINCRBY', key, 'c' .. who .. index, decimal('%d', total[1]))
      call('HINCRBY', key, 'a' .. who .. index, decimal('%d', total[2]))
    end
  end
end

local function by_processor_and_time(entries)
  local by_processor = {}
  for position = 1, #entries, COUNTED do
    local processor, at, cents = unpack_struct('>I1I6I6', entries, position)
    local by_time = by_processor[processor]
    if not by_time then
      by_time = {}
      by_processor[processor] = by_time
    end
    local sum = by_time[at]
    if sum then
      sum[1], sum[2] = sum[1] + 1, sum[2] + cents
    else
      by_time[at] = { 1, cents }
    end
  end
  return by_processor
end

local function fold(sums)
  for processor, by_time in pairs(sums) do add_to_tree(processor, by_time) end
end

-- A payment that comes alone would cost a dozen writes in the tree. So the last few are only
-- listed, for a summary to add up itself, and go into the tree together.
if #counted >= FOLD then
  fold(by_processor_and_time(table.concat(counted)))
elseif #counted > 0 then
  local recent = sums_prefix .. 'recent'
  if call('APPEND', recent, table.concat(counted)) >= FOLD * COUNTED then
    local sums = by_processor_and_time(call('GET', recent))
    call('DEL', recent)
    fold(sums)
  end
end

-- What was pending under these ids is settled, ours and another owner's alike, as every question
-- looks at the books first.
if #settled > 0 then call('HDEL', pending_key, unpack(settled)) end

return { table.concat(replies), unknown_name and all_names() or '', number }
