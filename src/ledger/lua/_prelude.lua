-- Shared by the scripts; cmake puts it before each script that names it.
-- Each call makes all functions anew, and a payment that comes alone pays for them all. So what is
-- rarely needed is made inside the function that needs it.
-- Keys are built from the prefix in KEYS[1]. Integers in packed strings are big-endian.
-- A batch comes in columns. A column is a string with the same number of bytes for every payment,
-- cut as the books keep it. Besides its commands, a script's cost is function calls and new
-- strings. So one call cuts a column.
local prefix = KEYS[1]
local call, sub, byte, char = redis.call, string.sub, string.byte, string.char
local unpack_struct, pack_struct, decimal = struct.unpack, struct.pack, string.format

local BATCH_MAX = 1000 -- payments; Lua passes at most 8,000 arguments to a command
local NONE = 31 -- "no processor", for the caller's numbers and for ledger indexes

-- Like string.rep, which copies byte by byte; this doubles.
local function times(text, count)
  if count < 8 then return string.rep(text, count) end
  local half = times(text, (count - count % 2) / 2)
  return count % 2 == 0 and half .. half or half .. half .. text
end
-- A column as a list, `format` once for each of `count` payments.
local function cut(column, format, count)
  local pieces = { unpack_struct(times(format, count), column) }
  pieces[#pieces] = nil -- the position after the last one
  return pieces
end
-- `count` answers in a row. An answer that the table does not have is the usual one.
local function all_answers(answers, count, usual)
  if next(answers) == nil then return times(usual, count) end
  for i = 1, count do answers[i] = answers[i] or usual end
  return table.concat(answers)
end

-- A reply holds a ledger index in one byte, as 32 + index.
local INDEX_MAX = 223
local function all_names()
  local flat, names = redis.call('HGETALL', prefix .. 'names'), {}
  for i = 1, #flat / 2 + 1 do names[i] = '' end -- the line of NONE stays empty
  for i = 1, #flat, 2 do names[tonumber(flat[i + 1]) + 1] = flat[i] end
  return table.concat(names, '\n')
end

-- Compares two numbers of eight bytes. Lua's order of strings depends on the server's locale.
local function is_newer(a, b)
  local a_high, a_low = unpack_struct('>I4I4', a)
  local b_high, b_low = unpack_struct('>I4I4', b)
  return a_high > b_high or (a_high == b_high and a_low > b_low)
end

-- A caller's names are lines in the order of its processor numbers: the name, a tab, and the known
-- identities of its processor, present and former (hexadecimal, with commas between).
-- Registers the caller. Returns the ledger indexes of its names, a byte each in their order; nil if
-- a newer opening of this table is known, or another one with the same number. An owner's entry is:
-- incarnation 8, nonce 8, how many names 1, their indexes, their text. So a call with the same
-- names as the one before needs no look-up of names.
local function enter(tbl, incarnation, nonce, names)
  local known = call('HGET', prefix .. 'tables', tbl)
  if known then
    local known_incarnation = sub(known, 1, 8)
    if is_newer(known_incarnation, incarnation) then return nil end
    if known_incarnation == incarnation then
      if sub(known, 9, 16) ~= nonce then return nil end
      local count = byte(known, 17)
      if count and sub(known, 18 + count) == names then return sub(known, 18, 17 + count) end
    end
  end
  -- Each processor name has one index for all instances and all time. No name has the index NONE.
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
  local indexes = ''
  for name in string.gmatch(names, '([^\t\n]+)[^\n]*') do
    indexes = indexes .. char(ledger_index_of(name))
  end
  call('HSET', prefix .. 'tables', tbl, incarnation .. nonce .. char(#indexes) .. indexes .. names)
  return indexes
end

-- Raises the number of a table. Each call of a table sends the highest number that a reply has
-- confirmed. Books that know a lower number have lost something since. The bits above 40 are the
-- era: a table begins a new era for each loss that it has seen, so a call from before the loss is
-- not taken for one from after it. `sent` is a decimal text; empty: the caller has no number.
-- Returns the number; or nil and the number that the books know, and then nothing was changed.
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

-- True if a pending claim was made by the same slot and generation as `owner` (table, slot,
-- generation) when its table had another id (`predecessors`). A copy of the table that has this id
-- now may have sent the payment, or may still send it.
local function is_inherited(claim, owner, predecessors)
  if sub(claim, 17, 24) ~= sub(owner, 17, 24) then return false end
  for i = 1, #predecessors, 16 do
    if sub(predecessors, i, i + 15) == sub(claim, 1, 16) then return true end
  end
  return false
end

-- The caller's processor numbers and ledger indexes. IN_ORDER: both are the same.
local IN_ORDER = '\0\1\2\3\4\5\6\7\8\9\10\11\12\13\14\15' ..
  '\16\17\18\19\20\21\22\23\24\25\26\27\28\29\30'
-- Nil: the caller has no processor of this number.
local function to_ledger(indexes, id)
  if id == NONE then return NONE end
  return byte(indexes, id + 1)
end
-- True if one of these processors, a byte each, is neither named by the caller nor NONE.
local function has_unnamed(processors, indexes)
  local highest = #indexes - 1
  local named = (highest >= 0 and '%z' or '') .. (highest > 0 and '\1-' .. char(highest) or '')
  return string.find(processors, '[^' .. named .. char(NONE) .. ']') ~= nil
end
-- 32 + the ledger index if the caller has no name for it.
local function to_caller(indexes, index)
  if index == NONE then return NONE end
  local id = string.find(indexes, char(index), 1, true)
  return id and id - 1 or 32 + index
end

-- Pending claims are one hash, so one command serves a batch. It has only as many as are in flight.
local pending_key = prefix .. 'claims'

-- A shelf holds what was booked or rejected while it was the present one, in 2^bits buckets by the
-- first bits of the ids, which the caller has spread. A bucket's key ends with the bytes that hold
-- those bits; the other bits of the last byte are zero. A field is the id without the bytes that
-- are whole in the key. `step`: the unit of the byte that is in both key and field; nil if there is
-- none.
local BITS_MIN, BITS_MAX, ID_BYTES = 12, 22, 16
local function shelf_of(key, bits)
  local rest = bits % 8
  return { key = key, bits = bits, whole = (bits - rest) / 8, step = rest > 0 and 2 ^ (8 - rest) }
end
local function place_of(shelf, id)
  local whole, step = shelf.whole, shelf.step
  if not step then return shelf.key .. sub(id, 1, whole), sub(id, whole + 1) end
  local cut = byte(id, whole + 1)
  return shelf.key .. sub(id, 1, whole) .. char(cut - cut % step), sub(id, whole + 1)
end

-- Redis does not undo what a script wrote before an error. So a change of more than one write is a
-- list of writes that is in the journal while they are made. The next call completes what an error
-- left undone. Each write sets a value and never adds to one, so repeating it changes nothing. All
-- reads come before the first write.
-- A write is a command, or SETTLE: a shelf's key and bits, a column of ids and one of values.
-- SETTLE also removes the ids from the pending claims. An earlier version wrote PUT: a shelf's key
-- and bits, then ids and their values alternating.
local SETTLE, PUT = 'settle', 'put'
local journal = prefix .. 'journal'
-- The two parts of each id on a shelf without `step`: the one in the key, and the field.
local function parts_of(shelf, column, count)
  return cut(column, 'c' .. shelf.whole .. 'c' .. ID_BYTES - shelf.whole, count)
end
-- `ids_cut` and `values_cut`: the columns of what is settled, if they are cut already.
local function write_all(writes, ids_cut, values_cut)
  local function put_on_shelf(shelf, column, ids, values)
    local key = shelf.key
    if shelf.step then
      for i = 1, #ids do
        local bucket, field = place_of(shelf, ids[i])
        call('HSET', bucket, field, values[i])
      end
    else
      local parts = parts_of(shelf, column, #ids)
      for i = 1, #ids do call('HSET', key .. parts[2 * i - 1], parts[2 * i], values[i]) end
    end
    call('HDEL', pending_key, unpack(ids))
  end
  for i = 1, #writes do
    local write = writes[i]
    local what = write[1]
    if what == SETTLE then
      local column, count = write[4], #write[4] / ID_BYTES
      put_on_shelf(shelf_of(write[2], write[3]), column, ids_cut or cut(column, 'c16', count),
        values_cut or cut(write[5], 'c14', count))
    elseif what == PUT then
      local ids, values = {}, {}
      for at = 4, #write, 2 do ids[#ids + 1], values[#values + 1] = write[at], write[at + 1] end
      put_on_shelf(shelf_of(write[2], write[3]), table.concat(ids), ids, values)
    else
      call(unpack(write))
    end
  end
  call('DEL', journal)
end
local function commit(writes, ids, values)
  if #writes == 0 then return end
  call('SET', journal, cmsgpack.pack(writes))
  write_all(writes, ids, values)
end

-- MGET takes a key of another type for absent; the GET then raises an error.
local function read_books()
  local read = call('MGET', prefix .. 'epoch', prefix .. 'shelf', journal)
  return read[1] or call('GET', prefix .. 'epoch'), read[2] or call('GET', prefix .. 'shelf'),
    read[3]
end
local epoch_text, shelves_text, unfinished = read_books()
if unfinished then
  write_all(cmsgpack.unpack(unfinished))
  epoch_text, shelves_text = read_books()
end
local epoch_name = epoch_text or '0'
local epoch = tonumber(epoch_name)

-- The shelves, as the key `shelf` has them in decimal: the number of the present one, when it
-- began, how long it lasts at least (seconds), its bits; of the one before: when it began, its
-- bits; the epoch in which the present one began. Older shelves are forgotten.
local SHELF_FIELDS = '^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+)$'
local shelves, present, older
local function use_shelves(text)
  local number, began, lasts, bits, older_began, older_bits, in_epoch =
    string.match(text, SHELF_FIELDS)
  if not number then error({ err = 'ERR the key ' .. prefix .. 'shelf is none of Tollgate' }) end
  shelves = { number = tonumber(number), began = tonumber(began), lasts = tonumber(lasts),
    older_began = tonumber(older_began) }
  local before = prefix .. 'k:' .. epoch_name .. ':'
  present = shelf_of(before .. number .. ':', tonumber(bits))
  -- After a purge the shelf before belongs to an earlier epoch.
  older = nil
  if number ~= '1' and in_epoch == epoch_name then
    older = shelf_of(before .. decimal('%d', shelves.number - 1) .. ':', tonumber(older_bits))
  end
end
if shelves_text then use_shelves(shelves_text) end

-- Since when (seconds) all booked payments are known; nil: nothing was ever forgotten.
local function memory_began()
  return shelves and shelves.number > 2 and shelves.older_began or nil
end

-- Kind 1 (0 counted, 1 not counted, 2 + reason: rejected), processor 1, at 6, cents 6; or false.
local function value_on(shelf, id)
  if shelf.step then return call('HGET', place_of(shelf, id)) end
  return call('HGET', shelf.key .. sub(id, 1, shelf.whole), sub(id, shelf.whole + 1))
end
local function booked_value(id)
  local value = present and value_on(present, id)
  if value or not older then return value end
  return value_on(older, id)
end
-- The same for a batch, by the payment's number in it; nil where nothing is booked.
local function booked_values(column, ids)
  local values = {}
  if not present then return values end
  if present.step or older and older.bits ~= present.bits then
    for i = 1, #ids do values[i] = booked_value(ids[i]) or nil end
    return values
  end
  local key, before = present.key, older and older.key
  local parts = parts_of(present, column, #ids)
  for i = 1, #ids do
    local bucket, field = parts[2 * i - 1], parts[2 * i]
    local value = call('HGET', key .. bucket, field)
    if not value and before then value = call('HGET', before .. bucket, field) end
    if value then values[i] = value end
  end
  return values
end
