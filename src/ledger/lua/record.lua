#!lua flags=allow-oom
--!prelude
-- Puts the outcomes of a batch on the books: idempotent, and complete enough to restore a claim
-- that was forgotten. ARGV as for claim up to the entries, which have 46 bytes: those of claim, then
-- booked 1, reason 1, epoch known 1, epoch 4; how long ids are known at least in
-- seconds, a colon, and the bits of the buckets of a shelf that begins now; the highest number
-- confirmed; ids that the table had before.
-- Returns {replies, names, number}, or the error LOST: per entry verdict 1, other processor 1 (see
-- `out`).
local DONE, CONTRADICTION, FENCED, FORGOTTEN = 0, 1, 2, 3
local ENTRY = 46
local COUNTED, FOLD = 13, 64 -- bytes of an entry among the recent ones, and how many of them wait

local tbl, incarnation, nonce, data = ARGV[1], ARGV[2], ARGV[3], ARGV[5]
local window, bits = string.match(ARGV[6] or '', '^(%d+):(%d+)$')
window, bits = tonumber(window), tonumber(bits)
if #tbl ~= 16 or #incarnation ~= 8 or #nonce ~= 8 or #data % ENTRY ~= 0 or #data > BATCH_MAX * ENTRY
  or not window or bits < BITS_MIN or bits > BITS_MAX then
  return redis.error_reply('ERR malformed batch')
end
local count = #data / ENTRY
local replies = {}
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

-- The ids that need no claim any more beside those, ours and another owner's alike.
local settled = {}

-- What is to be written; what this batch puts on the shelf, by id and in its order.
local writes, put, entries = {}, {}, { PUT }

-- The shelf moves on by one when its time is over, never back and never by two: after a long silence
-- ids are known for longer. A clock that was far ahead when it began is not waited for.
local DAY = 86400
local now = tonumber(call('TIME')[1])
local function move_shelf(number, began, older_began, older_bits)
  local text = decimal('%d %d %d %d %d %d %d', number, began, math.max(window, DAY), bits,
    older_began, older_bits, epoch)
  writes[#writes + 1] = { 'SET', prefix .. 'shelf', text }
  use_shelves(text)
end
if not shelves then
  -- So that one command reads both.
  if not epoch_text then writes[1] = { 'SET', prefix .. 'epoch', '0' } end
  move_shelf(1, now, 0, bits)
elseif now >= shelves.began + shelves.lasts then
  move_shelf(shelves.number + 1, now, shelves.began, present.bits)
elseif shelves.began > now + DAY then
  writes[1] = { 'SET', prefix .. 'shelf', (string.gsub(shelves_text, '^(%d+) %d+', '%1 ' .. now)) }
end

-- What is pending is not on the books: a claim is refused for what is, and a record takes away the
-- claim with the write that books it. So a payment with a claim needs no look at the shelves.
local ids = {}
for i = 1, count do ids[i] = sub(data, (i - 1) * ENTRY + 1, (i - 1) * ENTRY + ID_BYTES) end
local claims = count > 0 and call('HMGET', pending_key, unpack(ids))

local function is_own_or_nobodys(claim, position)
  local owner = tbl .. sub(data, position + 16, position + 23)
  return not claim or sub(claim, 1, 24) == owner or is_inherited(claim, owner, ARGV[8])
end

-- What was booked before the books' memory may have been counted and forgotten. It was not if they
-- still hold a claim that is as old, as a record takes the claim away.
local memory_ms = memory_began() and memory_began() * 1000
local function may_be_forgotten(claim, position)
  local at = unpack_struct('>I6', data, position + 27)
  if at >= memory_ms then return false end
  return not claim or unpack_struct('>I6', claim, 28) > at
end

-- As booked_value has it, and what to answer if it is not `done`; or nil if another owner may still
-- book it.
local COUNTED_KIND, NOT_COUNTED = char(0), char(1)
local usual = char(1, 0, 1) .. pack_struct('>I4', epoch)
local function value_of(position, claim)
  local place = sub(data, position + 26, position + 38)
  if not same_numbers then place = char(to_ledger(indexes, byte(place))) .. sub(place, 2) end
  local counts = sub(data, position + 39, position + 45) == usual
  if not counts then
    local booked, reason, epoch_known, claimed_in = unpack_struct('>I1I1I1I4', data, position + 39)
    if booked == 0 then
      return is_own_or_nobodys(claim, position) and char(2 + reason) .. place or nil
    end
    counts = epoch_known == 0 or claimed_in >= epoch
  end
  if counts and memory_ms and may_be_forgotten(claim, position) then
    return NOT_COUNTED .. place, char(FORGOTTEN, NONE)
  end
  return (counts and COUNTED_KIND or NOT_COUNTED) .. place
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

local function record_one(i)
  local id, claim = ids[i], claims[i]
  local value, verdict = value_of((i - 1) * ENTRY + 1, claim)
  if not value then return done end
  local older = put[id] or not claim and booked_value(id)
  local reply = older and keep_older(older, value)
  if reply then
    if claim then settled[#settled + 1] = id end
    return reply
  end
  put[id] = value
  entries[#entries + 1], entries[#entries + 2] = id, value
  if byte(value) == 0 then counted[#counted + 1] = sub(value, 2) end
  return verdict or done
end

entries[2], entries[3] = present.key, present.bits
for i = 1, count do replies[i] = record_one(i) end
if #entries > 3 then writes[#writes + 1] = entries end

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

if #settled > 0 then writes[#writes + 1] = { 'HDEL', pending_key, unpack(settled) } end

commit(writes)
return { table.concat(replies), unknown_name and all_names() or '', number }
