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

-- What is to be written; what this batch puts on the shelf, by id and in its order.
local writes, put, entries = {}, {}, {}

-- What is pending is not on the books: a claim is refused for what is, and a record takes away the
-- claim with the write that books it. So a payment with a claim needs no look at the shelves.
local ids, pending = {}, {}
for i = 1, count do ids[i] = sub(data, (i - 1) * ENTRY + 1, (i - 1) * ENTRY + ID_BYTES) end
if count > 0 then
  local claims = call('HMGET', pending_key, unpack(ids))
  for i = 1, count do pending[ids[i]] = claims[i] end
end

local function is_own_or_nobodys(id, position)
  local claim = pending[id]
  local owner = tbl .. sub(data, position + 16, position + 23)
  return not claim or sub(claim, 1, 24) == owner or is_inherited(claim, owner, ARGV[8])
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
local function keep_older(older, value)
  local older_kind, older_processor = byte(older, 1, 2)
  if byte(value) >= 2 then return done end
  if older_kind < 2 then
    if older_processor == byte(value, 2) then return done end
    return char(CONTRADICTION, out(older_processor))
  end
  return nil -- it was called rejected, and is booked after all
end

local function record_one(id, position)
  local value = value_of(position, id)
  if not value then return done end
  settled[#settled + 1] = id
  local older = put[id] or not pending[id] and booked_value(id)
  local reply = older and keep_older(older, value)
  if reply then return reply end
  put[id] = value
  entries[#entries + 1] = id .. value
  if byte(value) == 0 then counted[#counted + 1] = sub(value, 2) end
  return done
end

if not had_today then
  writes[1] = { 'SET', day_prefix .. today, '1', 'EX', decimal('%d', 2 * 86400 + horizon) }
end
for i = 0, count - 1 do replies[i + 1] = record_one(ids[i + 1], i * ENTRY + 1) end
if #entries > 0 then writes[#writes + 1] = { PUT, today_prefix, table.concat(entries) } end

-- The sums: a tree of radix 64 over time. A node of level L counts 64^L milliseconds; its key holds
-- 64 of them. Level 5 is one key for all time.
local sums_prefix = prefix .. 's:' .. epoch .. ':'

-- Numbers are exact up to here; a batch's sums are far below.
local EXACT = 2 ^ 53
local function plus(old, more)
  if not old then return decimal('%d', more) end
  local sum = old + more
  if sum < EXACT then return decimal('%d', sum) end
  local low = tonumber(sub(old, -9)) + more % 1e9
  local high = tonumber(sub(old, 1, -10)) + math.floor(more / 1e9) + math.floor(low / 1e9)
  if high >= 9e9 then error({ err = 'ERR a sum of amounts has grown too large' }) end
  return decimal('%d%09d', high, low % 1e9)
end

-- As the key will be: `fields` have gained `gains`.
local function add_to_key(key, fields, gains)
  local old, write = call('HMGET', key, unpack(fields)), { 'HSET', key }
  for i = 1, #fields do
    write[2 * i + 1], write[2 * i + 2] = fields[i], plus(old[i], gains[i])
  end
  writes[#writes + 1] = write
end

-- `nodes` of level 0: by time, a pair of count and cents.
local function add_to_tree(processor, nodes)
  local of_count, of_cents = 'c' .. char(processor), 'a' .. char(processor)
  for level = 0, 4 do
    local above, fields, gains = {}, {}, {}
    for node, sum in pairs(nodes) do
      local parent = math.floor(node / 64)
      local index, total, names = char(node - parent * 64), above[parent], fields[parent]
      if total then
        total[1], total[2] = total[1] + sum[1], total[2] + sum[2]
      else
        names = {}
        above[parent], fields[parent], gains[parent] = { sum[1], sum[2] }, names, {}
      end
      local place, more = #names, gains[parent]
      names[place + 1], names[place + 2] = of_count .. index, of_cents .. index
      more[place + 1], more[place + 2] = sum[1], sum[2]
    end
    for parent, names in pairs(fields) do
      add_to_key(sums_prefix .. level .. ':' .. decimal('%d', parent), names, gains[parent])
    end
    nodes = above
  end
  local names, more = {}, {}
  for node, sum in pairs(nodes) do
    local index = pack_struct('>I2', node)
    names[#names + 1], more[#more + 1] = of_count .. index, sum[1]
    names[#names + 1], more[#more + 1] = of_cents .. index, sum[2]
  end
  add_to_key(sums_prefix .. '5', names, more)
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

local function fold(entries)
  for processor, by_time in pairs(by_processor_and_time(entries)) do
    add_to_tree(processor, by_time)
  end
end

-- A payment that comes alone would cost a dozen writes in the tree. So the last few are only
-- listed, for a summary to add up itself, and go into the tree together.
if #counted > 0 then
  local recent, added = sums_prefix .. 'recent', table.concat(counted)
  if #counted >= FOLD then
    fold(added)
  else
    local listed = call('GET', recent) or ''
    if #listed + #added >= FOLD * COUNTED then
      fold(listed .. added)
      writes[#writes + 1] = { 'DEL', recent }
    else
      writes[#writes + 1] = { 'SET', recent, listed .. added }
    end
  end
end

-- What was pending under these ids is settled, ours and another owner's alike, as every question
-- looks at the books first.
if #settled > 0 then writes[#writes + 1] = { 'HDEL', pending_key, unpack(settled) } end

commit(writes)
return { table.concat(replies), unknown_name and all_names() or '', number }
