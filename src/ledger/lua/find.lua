#!lua flags=no-writes
--!prelude
-- What the books know of one payment. ARGV: id (16 bytes).
-- Returns {state, attempt, processor's name, at, cents, reason} or nil. State: 0 pending, 1 booked,
-- 2 rejected.
local id = ARGV[1]
if #id ~= 16 then return redis.error_reply('ERR an id has 16 bytes') end

local function name_of(index)
  local flat = redis.call('HGETALL', prefix .. 'names')
  for i = 1, #flat, 2 do
    if tonumber(flat[i + 1]) == index then return flat[i] end
  end
  return ''
end

local value, kind, processor, at, cents = booked_value(id), nil, nil, nil, nil
if value then kind, processor, at, cents = unpack_struct('>I1I1I6I6', value) end
if kind and kind < 2 then
  return { 1, 0, name_of(processor), string.format('%.0f', at), string.format('%.0f', cents), 0 }
elseif kind then
  return { 2, 0, name_of(processor), string.format('%.0f', at), string.format('%.0f', cents), kind - 2 }
end
local pending = redis.call('HGET', pending_prefix .. sub(id, 1, 1), id)
if not pending then return nil end
local attempt, index, requested, amount = unpack_struct('>I2I1I6I6', pending, 25)
return { 0, attempt, name_of(index), string.format('%.0f', requested), string.format('%.0f', amount), 0 }
