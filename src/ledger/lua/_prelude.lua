-- What the scripts share; cmake puts it before each that names it.
-- Keys are built from the prefix in KEYS[1]. Integers in packed strings are big-endian.
-- On the way of each payment strings are cut and joined as they came: packing, unpacking and
-- string.format cost as much as a command.
local prefix = KEYS[1]
local call, sub, byte, char = redis.call, string.sub, string.byte, string.char
local unpack_struct, pack_struct = struct.unpack, struct.pack

local BATCH_MAX = 1000 -- payments; Lua hands no more than 8,000 arguments to a command
local NONE = 31 -- the caller's and our number for "no processor"

-- The processors' names have one index each for all instances and all time; none has that of NONE.
-- A reply tells an index as 32 more in one byte.
local INDEX_MAX = 223
local function ledger_index_of(name)
  local index = redis.call('HGET', prefix .. 'names', name)
  if index then return tonumber(index) end
  index = redis.call('HLEN', prefix .. 'names')
  if index >= NONE then index = index + 1 end
  if index > INDEX_MAX then
    error({ err = 'ERR more than ' .. INDEX_MAX .. ' names of processors over all time; use another prefix' })
  end
  redis.call('HSET', prefix .. 'names', name, index)
  return index
end

local function all_names()
  local flat, names = redis.call('HGETALL', prefix .. 'names'), {}
  for i = 1, #flat / 2 + 1 do names[i] = '' end -- that of NONE stays
  for i = 1, #flat, 2 do names[tonumber(flat[i + 1]) + 1] = flat[i] end
  return table.concat(names, '\n')
end

-- Whoever calls: the ledger indexes of its names, a byte each in their order; or nil if a newer
-- opening of this table is known, or another one of the same number. An owner's entry is:
-- incarnation 8, nonce 8, how many names 1, their indexes, their text; so that a call which comes
-- as the one before needs no look at the names.
local function enter(tbl, incarnation, nonce, names)
  local known = call('HGET', prefix .. 'tables', tbl)
  if known then
    local known_incarnation = sub(known, 1, 8)
    -- Fixed width and big-endian: the order of the bytes is the order of the numbers.
    if known_incarnation > incarnation then return nil end
    if known_incarnation == incarnation then
      if sub(known, 9, 16) ~= nonce then return nil end
      local count = byte(known, 17)
      if count and sub(known, 18 + count) == names then return sub(known, 18, 17 + count) end
    end
  end
  local indexes = ''
  for name in string.gmatch(names, '[^\n]+') do
    indexes = indexes .. char(ledger_index_of(name))
  end
  call('HSET', prefix .. 'tables', tbl, incarnation .. nonce .. char(#indexes) .. indexes .. names)
  return indexes
end

-- The number that moves: each call of a table raises its number, and says the highest that a reply
-- has confirmed to it. Books that know a lower one have lost something since. Above 40 bits stands
-- the era: a table begins a new one for each loss that it has seen, so that no call from before the
-- loss is taken for one from after it. `sent` is a decimal text; empty: the caller has no number.
-- Returns the number, or nil and what the books know; then nothing was changed.
local ERA = 2 ^ 40
local function raise_number(tbl, sent)
  if sent == '' then return 0 end
  local confirmed, numbers = tonumber(sent), prefix .. 'numbers'
  local number = call('HINCRBY', numbers, tbl, 1)
  local before = number - 1
  if before >= confirmed and math.floor(before / ERA) == math.floor(confirmed / ERA) then
    return number
  end
  call('HINCRBY', numbers, tbl, -1)
  return nil, before
end
local function lost(before)
  return redis.error_reply('LOST ' .. string.format('%.0f', before))
end

-- Was a pending claim made by the same slot and generation as `owner` (table, slot, generation)
-- says, when its table had another id? `predecessors`: those ids. A copy that has that id now may
-- have sent it, or still do so.
local function is_inherited(claim, owner, predecessors)
  if sub(claim, 17, 24) ~= sub(owner, 17, 24) then return false end
  for i = 1, #predecessors, 16 do
    if sub(predecessors, i, i + 15) == sub(claim, 1, 16) then return true end
  end
  return false
end

-- The caller's numbers of processors and ours, where they differ.
local IN_ORDER = '\0\1\2\3\4\5\6\7\8\9\10\11\12\13\14\15' ..
  '\16\17\18\19\20\21\22\23\24\25\26\27\28\29\30'
-- Nil: the caller has no name of this number.
local function to_ledger(indexes, id)
  if id == NONE then return NONE end
  return byte(indexes, id + 1)
end
-- 32 + the ledger index: the caller has no name for it.
local function to_caller(indexes, index)
  if index == NONE then return NONE end
  local id = string.find(indexes, char(index), 1, true)
  return id and id - 1 or 32 + index
end

-- Nothing undoes what a script wrote before an error. So a change of more than one write is a list
-- of writes that stands in the journal while it is made, and whoever calls next completes what an
-- error left undone. Each write says what is then, and not by how much it grows: made twice, it is
-- made once. All reads come before the first write.
-- A write is a command, or PUT: a shelf and 30 bytes for each of its entries, which are the id and
-- the value.
local PUT, PUT_BYTES, ID_BYTES = 'put', 30, 16
local journal = prefix .. 'journal'
local function put_on_shelf(shelf, entries)
  for at = 1, #entries, PUT_BYTES do
    call('HSET', shelf .. sub(entries, at, at + 1), sub(entries, at + 2, at + ID_BYTES - 1),
      sub(entries, at + ID_BYTES, at + PUT_BYTES - 1))
  end
end
local function write_all(writes)
  for i = 1, #writes do
    local write = writes[i]
    if write[1] == PUT then put_on_shelf(write[2], write[3]) else call(unpack(write)) end
  end
  call('DEL', journal)
end
local function commit(writes)
  if #writes == 0 then return end
  call('SET', journal, cmsgpack.pack(writes))
  write_all(writes)
end

local unfinished = call('GET', journal)
if unfinished then write_all(cmsgpack.unpack(unfinished)) end
local epoch = tonumber(call('GET', prefix .. 'epoch') or '0')
local today = math.floor(tonumber(call('TIME')[1]) / 86400)

-- Pending claims are one hash, so that one command does for a batch; there are only as many as are
-- in flight. Booked ones have 65,536 buckets a day by the id's first two bytes, which stand in the
-- keys as they are.
local pending_key = prefix .. 'pending'
local today_prefix = prefix .. 'b:' .. epoch .. ':' .. today .. ':'
local yesterday_prefix = prefix .. 'b:' .. epoch .. ':' .. (today - 1) .. ':'

-- Was anything booked yesterday, and today? Asked once per call; most days of a test have no
-- yesterday.
local day_prefix = prefix .. 'd:' .. epoch .. ':'
local days = call('MGET', day_prefix .. (today - 1), day_prefix .. today)
local had_yesterday, had_today = days[1], days[2]

-- Kind 1 (0 counted, 1 not counted, 2 + reason: rejected), processor 1, at 6, cents 6; or false.
local function booked_value(id)
  local bucket, field = sub(id, 1, 2), sub(id, 3)
  local value = call('HGET', today_prefix .. bucket, field)
  if value or not had_yesterday then return value end
  return call('HGET', yesterday_prefix .. bucket, field)
end
