#!lua
--!prelude
-- Claims a batch of payments, one fleet-wide claim per id (docs/ARCHITECTURE.md, "The books").
-- ARGV: table uuid, incarnation (8 bytes), nonce (8 bytes), names of the caller's processors,
-- entries of 39 bytes: id 16, slot 4, generation 4, attempt 2, processor 1, at 6, cents 6.
-- Returns {replies, names}: per entry verdict 1, attempt 2, processor 1 (see `out`), at 6,
-- epoch 4, and one byte: with YOURS whether another opening of the table claimed this attempt, with
-- REJECTED the reason.
local YOURS, STALE, BOOKED, ELSEWHERE, CONFLICT, REJECTED, FENCED = 0, 1, 2, 3, 4, 5, 6
local ENTRY = 39
local ATTEMPT_MAX = 8191

local tbl, incarnation, nonce, data = ARGV[1], ARGV[2], ARGV[3], ARGV[5]
if #tbl ~= 16 or #incarnation ~= 8 or #nonce ~= 8 or #data % ENTRY ~= 0 then
  return redis.error_reply('ERR malformed batch')
end
local count = #data / ENTRY
local replies = {}
local function answer(verdict, attempt, processor, at, in_epoch, reason)
  replies[#replies + 1] =
    pack_struct('>I1I2I1I6I4I1', verdict, attempt, processor, at, in_epoch, reason)
end

if not owner_is_current(tbl, incarnation, nonce) then
  for _ = 1, count do answer(FENCED, 0, NONE, 0, 0, 0) end
  return { table.concat(replies), '' }
end

local to_ledger, to_caller = read_names(ARGV[4])
local unknown_name = false
-- The caller's id of a processor, or 32 + its ledger index if the caller has no such name.
local function out(index)
  local id = to_caller[index]
  if id then return id end
  unknown_name = true
  return 32 + index
end
-- The whole batch is validated before the first write: an error undoes nothing.
for i = 0, count - 1 do
  if not to_ledger[string.byte(data, i * ENTRY + 27)] then
    return redis.error_reply('ERR malformed batch: no such processor')
  end
end

local function claim_one(position)
  local id = string.sub(data, position, position + 15)
  local attempt, processor, at, cents = unpack_struct('>I2I1I6I6', data, position + 24)
  local kind, booked_processor, booked_at, booked_cents = find_booked(id)
  if kind then
    if booked_cents ~= cents then return answer(CONFLICT, 0, NONE, 0, 0, 0) end
    if kind >= 2 then return answer(REJECTED, 0, NONE, 0, 0, kind - 2) end
    return answer(BOOKED, 0, out(booked_processor), booked_at, 0, 0)
  end
  local key, index = pending_key(id), to_ledger[processor]
  local owner = tbl .. string.sub(data, position + 16, position + 23)
  local mine = owner .. pack_struct('>I2I1I6I6I4', attempt, index, at, cents, epoch) .. incarnation
  if redis.call('HSETNX', key, id, mine) == 0 then
    local known = redis.call('HGET', key, id)
    local held_attempt, held_processor, held_at, held_cents, held_epoch =
      unpack_struct('>I2I1I6I6I4', known, 25)
    if string.sub(known, 1, 24) ~= owner then
      return answer(held_cents == cents and ELSEWHERE or CONFLICT, 0, NONE, 0, 0, 0)
    end
    if attempt <= held_attempt then
      local verdict = attempt == held_attempt and YOURS or STALE
      local others = string.sub(known, -8) ~= incarnation
      if others then
        -- Taken over from another opening of the table: under a number of its own, so that no
        -- opening that still believes the old attempt refused can pass by it.
        held_attempt = math.min(held_attempt + 1, ATTEMPT_MAX)
        redis.call('HSET', key, id, owner .. pack_struct('>I2I1I6I6I4', held_attempt,
          held_processor, held_at, held_cents, held_epoch) .. incarnation)
      end
      return answer(verdict, held_attempt, out(held_processor), held_at, held_epoch,
        others and 1 or 0)
    end
    redis.call('HSET', key, id, mine)
  end
  answer(YOURS, attempt, processor, at, epoch, 0)
end

for i = 0, count - 1 do claim_one(i * ENTRY + 1) end
return { table.concat(replies), unknown_name and all_names() or '' }
