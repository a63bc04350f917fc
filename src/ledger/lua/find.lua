#!lua flags=allow-oom
--!prelude
-- What the books know of one payment. ARGV: id (16 bytes), the id of the expected books (empty:
-- any), '1' if lossy books are to answer too. Returns {state, attempt, processor's name, at, cents,
-- reason, counted, epoch of a pending claim} or nil. State: 0 pending, 1 booked, 2 rejected.
local id = ARGV[1]
if #id ~= 16 then return redis.error_reply('ERR an id has 16 bytes') end
if ARGV[2] ~= '' and call('GET', prefix .. 'books') ~= ARGV[2] then
  return redis.error_reply('OTHERBOOKS these are not the books of the caller')
end

local function name_of(index)
  local flat = redis.call('HGETALL', prefix .. 'names')
  for i = 1, #flat, 2 do
    if tonumber(flat[i + 1]) == index then return flat[i] end
  end
  return ''
end

local function answer(state, attempt, index, at, cents, reason, counted, claimed_in)
  return { state, attempt, name_of(index), string.format('%.0f', at), string.format('%.0f', cents),
    reason, counted, claimed_in }
end

local value = booked_value(id)
if value then
  local kind, processor, at, cents = unpack_struct('>I1I1I6I6', value)
  if kind < 2 then return answer(1, 0, processor, at, cents, 0, 1 - kind, 0) end
  return answer(2, 0, processor, at, cents, kind - 2, 0, 0)
end
local pending = redis.call('HGET', pending_key, id)
if not pending then
  -- Lossy books cannot say that they never had a payment.
  if ARGV[3] ~= '1' and call('EXISTS', prefix .. 'lossy') == 1 then
    return redis.error_reply('OTHERBOOKS incomplete')
  end
  return nil
end
local attempt, index, requested, amount, claimed_in = unpack_struct('>I2I1I6I6I4', pending, 25)
return answer(0, attempt, index, requested, amount, 0, 0, claimed_in)
