-- What the scripts share; cmake puts it before each of claim, record and find.
-- Keys are built from the prefix in KEYS[1]. Integers in packed strings are big-endian.
local prefix = KEYS[1]
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

-- From the caller's processor ids (the order of its names) to ledger indexes, and back.
local function read_names(text)
  local to_ledger, to_caller, id = { [NONE] = NONE }, { [NONE] = NONE }, 0
  for name in string.gmatch(text, '[^\n]+') do
    local index = ledger_index_of(name)
    to_ledger[id], to_caller[index] = index, id
    id = id + 1
  end
  return to_ledger, to_caller
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

local function pending_key(id)
  return prefix .. 'p:' .. string.format('%02x', string.byte(id, 1))
end
local function booked_key(day, id)
  local b1, b2 = string.byte(id, 1, 2)
  return prefix .. 'b:' .. epoch .. ':' .. day .. ':' .. string.format('%02x%02x', b1, b2)
end

-- Was anything booked yesterday? Asked once per call; most days of a test have no yesterday.
local had_yesterday = redis.call('EXISTS', prefix .. 'd:' .. epoch .. ':' .. (today - 1)) == 1

-- kind (0 counted, 1 not counted, 2 + reason: rejected), processor, requestedAt, cents; or nil.
local function find_booked(id)
  local field = string.sub(id, 3)
  local value = redis.call('HGET', booked_key(today, id), field)
  if not value and had_yesterday then value = redis.call('HGET', booked_key(today - 1, id), field) end
  if not value then return nil end
  return unpack_struct('>I1I1I6I6', value)
end
