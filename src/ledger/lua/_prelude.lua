-- What the scripts share; cmake puts it before each of claim, record and find.
-- Keys are built from the prefix in KEYS[1]. Integers in packed strings are big-endian.
-- On the way of each payment strings are cut and joined as they came: packing, unpacking and
-- string.format cost as much as a command.
local prefix = KEYS[1]
local call, sub, byte, char = redis.call, string.sub, string.byte, string.char
local unpack_struct, pack_struct = struct.unpack, struct.pack

local NONE = 31 -- the caller's and our number for "no processor"

-- The processors' names have one index each for all instances and all time.
local function ledger_index_of(name)
  local index = redis.call('HGET', prefix .. 'names', name)
  if index then return tonumber(index) end
  index = redis.call('HLEN', prefix .. 'names')
  redis.call('HSET', prefix .. 'names', name, index)
  return index
end

-- From the caller's processor ids (the order of its names) to ledger indexes, and back; and
-- whether these are the same numbers.
local function read_names(text)
  local to_ledger, to_caller, id, same = { [NONE] = NONE }, { [NONE] = NONE }, 0, true
  for name in string.gmatch(text, '[^\n]+') do
    local index = ledger_index_of(name)
    to_ledger[id], to_caller[index] = index, id
    same = same and index == id
    id = id + 1
  end
  return to_ledger, to_caller, same
end

local function all_names()
  local flat, names = redis.call('HGETALL', prefix .. 'names'), {}
  for i = 1, #flat, 2 do names[tonumber(flat[i + 1]) + 1] = flat[i] end
  return table.concat(names, '\n')
end

-- False if a newer opening of this table is known, or another one of the same number.
local function owner_is_current(tbl, incarnation, nonce)
  local known = redis.call('HGET', prefix .. 'owners', tbl)
  if known then
    local known_incarnation = string.sub(known, 1, 8)
    -- Fixed width and big-endian: the order of the bytes is the order of the numbers.
    if known_incarnation > incarnation then return false end
    if known_incarnation == incarnation then return string.sub(known, 9, 16) == nonce end
  end
  redis.call('HSET', prefix .. 'owners', tbl, incarnation .. nonce)
  return true
end

local epoch = tonumber(redis.call('GET', prefix .. 'epoch') or '0')
local today = math.floor(tonumber(redis.call('TIME')[1]) / 86400)

-- 256 buckets of pending claims by the id's first byte, 65,536 of booked ones a day by its first
-- two; these stand in the keys as they are.
local pending_prefix = prefix .. 'p:'
local today_prefix = prefix .. 'b:' .. epoch .. ':' .. today .. ':'
local yesterday_prefix = prefix .. 'b:' .. epoch .. ':' .. (today - 1) .. ':'

-- Was anything booked yesterday? Asked once per call; most days of a test have no yesterday.
local had_yesterday = call('EXISTS', prefix .. 'd:' .. epoch .. ':' .. (today - 1)) == 1

-- Kind 1 (0 counted, 1 not counted, 2 + reason: rejected), processor 1, at 6, cents 6; or false.
local function booked_value(id)
  local bucket, field = sub(id, 1, 2), sub(id, 3)
  local value = call('HGET', today_prefix .. bucket, field)
  if value or not had_yesterday then return value end
  return call('HGET', yesterday_prefix .. bucket, field)
end
