#!lua flags=allow-oom
--!prelude
-- Puts the outcomes of a batch on the books. It is idempotent, and a record is complete enough to
-- restore a claim that was forgotten. ARGV as for claim up to the ids; three more columns: values
-- 14 as they will be on the shelf except that their processor is the caller's number (kind 1: 0
-- booked, 2 + reason: rejected; processor 1, at 6, cents 6), slots 8 (slot 4, generation 4), epochs
-- 5 (known 1, epoch of the claim 4); how long ids are known at least in seconds, a colon, and the
-- bits of the buckets of a new shelf; the highest number confirmed; former ids of the table; '1' if
-- no id comes twice; a column of the sums of the values (empty: not known): kind, processor and at
-- as in a value 8, how many 2, cents 7.
-- Returns {replies, names, number}, or the error LOST. A reply is: verdict 1, other processor 1
-- (see `out`).
local DONE, CONTRADICTION, FENCED, FORGOTTEN = 0, 1, 2, 3
local VALUE, SLOT, EPOCH = 14, 8, 5 -- bytes
local SUM = 17
local COUNTED, FOLD = 13, 64 -- bytes of a recent payment; how many go into the tree together

local tbl, incarnation, nonce, data = ARGV[1], ARGV[2], ARGV[3], ARGV[5]
local asked, slots, epochs = ARGV[6] or '', ARGV[7] or '', ARGV[8] or ''
local distinct, asked_sums = ARGV[12] == '1', ARGV[13] or ''
local window, bits = string.match(ARGV[9] or '', '^(%d+):(%d+)$')
window, bits = tonumber(window), tonumber(bits)
local count = #data / ID_BYTES
if #tbl ~= 16 or #incarnation ~= 8 or #nonce ~= 8 or count % 1 ~= 0 or count > BATCH_MAX
  or #asked ~= count * VALUE or #slots ~= count * SLOT or #epochs ~= count * EPOCH
  or #asked_sums % SUM ~= 0 or not window or bits < BITS_MIN or bits > BITS_MAX then
  return redis.error_reply('ERR malformed batch')
end
local replies = {}
local done = char(DONE, NONE)

local number, known_number = raise_number(tbl, ARGV[10])
if not number then return lost(known_number) end
local indexes = enter(tbl, incarnation, nonce, ARGV[4])
if not indexes then
  return { times(char(FENCED, NONE), count), '', number }
end

local unknown_name = false
-- The sums of a column of values: {count, cents} by kind, processor and at as they are in a value
-- (8 bytes).
local function add_sum(sums, place, number_of, cents)
  local sum = sums[place] or { 0, 0 }
  sums[place] = sum
  sum[1], sum[2] = sum[1] + number_of, sum[2] + cents
end
local function sums_of(column, n)
  local figures, sums = cut(column, 'c8>I6', n), {}
  for i = 1, 2 * n, 2 do add_sum(sums, figures[i], 1, figures[i + 1]) end
  return sums
end
-- The whole batch is validated before the first write, because an error undoes no write.
-- `as_asked`: every value is right as it came.
local sums, summed, earliest = {}, 0, math.huge
local figures = cut(asked_sums, 'c8>I2I7', #asked_sums / SUM)
for i = 1, #figures, 3 do
  add_sum(sums, figures[i], figures[i + 1], figures[i + 2])
  summed = summed + figures[i + 1]
end
if summed ~= count then sums = sums_of(asked, count) end
local as_asked = indexes == sub(IN_ORDER, 1, #indexes)
for place in pairs(sums) do
  local kind, processor, at = unpack_struct('>I1I1I6', place)
  earliest = math.min(earliest, at)
  if not to_ledger(indexes, processor) then
    return redis.error_reply('ERR malformed batch: no such processor')
  end
  as_asked = as_asked and kind == 0
end

-- Other ids whose claim, ours or another owner's, is not needed any more.
local settled = {}

-- The list of writes; what this batch puts on the shelf, in its order.
local writes, put_ids, put_values = {}, {}, {}

-- The shelf's number rises by one when its time is over. It never falls or skips one: after a long
-- silence ids are known for longer. If a shelf began by a clock that was far ahead, its beginning
-- is set to now.
local DAY = 86400
local now = tonumber(call('TIME')[1])
if not shelves or now >= shelves.began + shelves.lasts then
  local function move_shelf(number, began, older_began, older_bits)
    local text = decimal('%d %d %d %d %d %d %d', number, began, math.max(window, DAY), bits,
      older_began, older_bits, epoch)
    writes[#writes + 1] = { 'SET', prefix .. 'shelf', text }
    use_shelves(text)
  end
  if shelves then
    move_shelf(shelves.number + 1, now, shelves.began, present.bits)
  else
    -- So that one command reads both keys.
    if not epoch_text then writes[1] = { 'SET', prefix .. 'epoch', '0' } end
    move_shelf(1, now, 0, bits)
  end
elseif shelves.began > now + DAY then
  writes[1] = { 'SET', prefix .. 'shelf', (string.gsub(shelves_text, '^(%d+) %d+', '%1 ' .. now)) }
end

-- What is pending is not on a shelf: claim.lua refuses a claim for what is, and a record removes
-- the claim in the write that books it. So a payment with a claim needs no look at the shelves.
local ids, values = cut(data, 'c16', count), cut(asked, 'c14', count)
local claims = count > 0 and call('HMGET', pending_key, unpack(ids))

local memory_ms = memory_began() and memory_began() * 1000
as_asked = as_asked and (not memory_ms or earliest >= memory_ms)
  and epochs == times(char(1) .. pack_struct('>I4', epoch), count)

-- If every payment has a claim and no id comes twice, the columns are put on the shelf as they
-- came.
local usual = as_asked and distinct
for i = 1, usual and count or 0 do
  if not claims[i] then
    usual = false
    break
  end
end
-- Looks at each payment by itself.
local function record_each()
  local by_id = {} -- what this batch puts on the shelf
  -- The caller's number of a processor, or 32 + its ledger index if the caller has no such name.
  local function out(index)
    local id = to_caller(indexes, index)
    if id >= 32 then unknown_name = true end
    return id
  end
  local function is_own_or_nobodys(claim, i)
    local owner = tbl .. sub(slots, (i - 1) * SLOT + 1, i * SLOT)
    return not claim or sub(claim, 1, 24) == owner or is_inherited(claim, owner, ARGV[11])
  end

  -- A payment that was booked before the books' memory may have been counted and forgotten. It was
  -- not if the books still hold a claim that is as old, because a record removes the claim.
  local function may_be_forgotten(claim, at)
    if at >= memory_ms then return false end
    return not claim or unpack_struct('>I6', claim, 28) > at
  end

  -- The value as booked_value returns it, and the reply if it is not `done`. Nil if another owner
  -- may still book the payment.
  local COUNTED_KIND, NOT_COUNTED = char(0), char(1)
  local function value_of(i, claim)
    local kind, processor, at = unpack_struct('>I1I1I6', values[i])
    local place = char(to_ledger(indexes, processor)) .. sub(values[i], 3)
    if kind >= 2 then return is_own_or_nobodys(claim, i) and char(kind) .. place or nil end
    local epoch_known, claimed_in = unpack_struct('>I1I4', epochs, (i - 1) * EPOCH + 1)
    local counts = epoch_known == 0 or claimed_in >= epoch
    if counts and memory_ms and may_be_forgotten(claim, at) then
      return NOT_COUNTED .. place, char(FORGOTTEN, NONE)
    end
    return (counts and COUNTED_KIND or NOT_COUNTED) .. place
  end
  -- The reply if the id is on the books already; nil if the new value replaces the old one.
  local function keep_older(older, value)
    local older_kind, older_processor = byte(older, 1, 2)
    if byte(value) >= 2 then return done end
    if older_kind < 2 then
      if older_processor == byte(value, 2) then return done end
      return char(CONTRADICTION, out(older_processor))
    end
    return nil -- it was recorded as rejected, and is booked after all
  end

  local function record_one(i)
    local id, claim, value, verdict = ids[i], claims[i], values[i], nil
    if not as_asked then value, verdict = value_of(i, claim) end
    if not value then return nil end
    local known = by_id[id] or not claim and booked_value(id)
    local kept = known and keep_older(known, value)
    if kept then
      if claim then settled[#settled + 1] = id end
      return kept
    end
    by_id[id] = value
    put_ids[#put_ids + 1], put_values[#put_values + 1] = id, value
    return verdict
  end
  for i = 1, count do replies[i] = record_one(i) end
end
if usual then
  put_ids, put_values = ids, values
else
  record_each()
  data, asked = table.concat(put_ids), table.concat(put_values)
  sums = sums_of(asked, #put_ids)
end
if #put_ids > 0 then
  writes[#writes + 1] = { SETTLE, present.key, present.bits, data, asked }
end

-- The sums: a tree of radix 64 over time. A node of level L sums 64^L milliseconds. A key holds 64
-- nodes; level 5 is one key for all time.
local sums_prefix = prefix .. 's:' .. epoch_name .. ':'

-- {count, cents} by processor and time; and how many payments there are.
local by_processor, counted = {}, 0
local function count_one(processor, at, number_of, cents)
  local by_time = by_processor[processor] or {}
  by_processor[processor] = by_time
  local sum = by_time[at] or { 0, 0 }
  by_time[at] = sum
  sum[1], sum[2], counted = sum[1] + number_of, sum[2] + cents, counted + number_of
end
for place, sum in pairs(sums) do
  local kind, processor, at = unpack_struct('>I1I1I6', place)
  if kind == 0 then count_one(processor, at, sum[1], sum[2]) end
end

-- A payment that comes alone would cost a dozen writes in the tree. So the last few are only
-- listed, and a summary adds them itself. They go into the tree together.
local folds = counted >= FOLD
if counted > 0 and not folds then
  local recent, added = sums_prefix .. 'recent', {}
  for i = 1, #put_values do
    if byte(put_values[i]) == 0 then added[#added + 1] = sub(put_values[i], 2) end
  end
  local bytes = call('STRLEN', recent)
  folds = bytes + counted * COUNTED >= FOLD * COUNTED
  if folds then
    local listed = call('GET', recent) or ''
    for position = 1, #listed, COUNTED do
      local processor, at, cents = unpack_struct('>I1I6I6', listed, position)
      count_one(processor, at, 1, cents)
    end
    writes[#writes + 1] = { 'DEL', recent }
  else
    writes[#writes + 1] = { 'SETRANGE', recent, bytes, table.concat(added) }
  end
end
if folds then
  -- Numbers below this are exact; a batch's sums are far below.
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

  -- Adds `gains` to the `fields` of a key.
  local function add_to_key(key, fields, gains)
    local old, write = call('HMGET', key, unpack(fields)), { 'HSET', key }
    for i = 1, #fields do
      write[2 * i + 1], write[2 * i + 2] = fields[i], plus(old[i], gains[i])
    end
    writes[#writes + 1] = write
  end

  -- `nodes` of level 0: {count, cents} by millisecond.
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

  for processor, by_time in pairs(by_processor) do add_to_tree(processor, by_time) end
end

if #settled > 0 then writes[#writes + 1] = { 'HDEL', pending_key, unpack(settled) } end

commit(writes, put_ids, put_values)
return { all_answers(replies, count, done), unknown_name and all_names() or '', number }
