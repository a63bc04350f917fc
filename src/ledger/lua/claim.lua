#!lua
--!prelude
-- Claims a batch of payments, one fleet-wide claim per id (docs/ARCHITECTURE.md, "The books").
-- ARGV: table uuid, incarnation (8 bytes), nonce (8 bytes), names of the caller's processors; three
-- columns: ids 16, entries 81 (the id again, and the pending claim 65 as it will be on the books
-- except that its processor is the caller's number), and that number 1; the highest number
-- confirmed (raise_number); former ids of the table, 16 bytes each; '1' if no id comes twice;
-- empty, or a column of the claims that are taken over if they have not changed: the owner 16, its
-- attempt 2, the owner's number 8; the epoch that the caller knows and its claims have (empty:
-- none). A claim that was sent before a purge is refused: if its payment was settled before, the
-- claim would be alone on the emptied books.
-- Returns {replies, names, epoch, number}, or the error LOST, or PURGED and the epoch.
-- A reply is one byte, AS_ASKED: the claim is the caller's exactly as it was claimed, in this
-- epoch. Or it is: verdict 1, attempt 2, processor 1 (see `out`), at 6, epoch 4, one byte, and the
-- identity 8 of the processor if the reply is about a claim (else zeros). The one byte is with
-- YOURS whether another opening of the table or another owner claimed this attempt, with CONFLICT
-- whether the other amount is on the books already, with REJECTED the reason, with ELSEWHERE one of
-- NUMBER, GONE and NO_NUMBER. With ELSEWHERE all fields are those of the existing claim; its owner
-- 16, the owner's number 8, slot 4 and generation 4 follow.
-- A pending claim is: table 16, slot 4, generation 4, attempt 2, processor 1 (by ledger index), at
-- 6, cents 6, epoch 4, incarnation 8, the processor's identity 8 (zeros: not known), and filling.
-- The filling makes it longer than 64 bytes. So Redis keeps the hash as a table
-- (hash-max-listpack-value), and not as a list, which it would search from the beginning for each
-- id.
local YOURS, STALE, BOOKED, ELSEWHERE, CONFLICT, REJECTED, FENCED = 0, 1, 2, 3, 4, 5, 6
local AS_ASKED = char(7)
local NUMBER, GONE, NO_NUMBER = 0, 1, 2 -- what is known of an owner
local ENTRY, TAKE_OVER = 81, 26
local ATTEMPT_MAX = 8191
local UNKNOWN = times('\0', 8)

local tbl, incarnation, nonce, data, asked = ARGV[1], ARGV[2], ARGV[3], ARGV[5], ARGV[6] or ''
local processors, predecessors, take_overs = ARGV[7] or '', ARGV[9], ARGV[11] or ''
local count = #data / ID_BYTES
if #tbl ~= 16 or #incarnation ~= 8 or #nonce ~= 8 or count % 1 ~= 0 or count > BATCH_MAX
  or #asked ~= count * ENTRY or #processors ~= count
  or (#take_overs ~= 0 and #take_overs ~= count * TAKE_OVER) then
  return redis.error_reply('ERR malformed batch')
end
local replies = {}
local function answer(verdict, attempt, processor, at, in_epoch, reason, identity)
  return pack_struct('>I1I2I1I6I4I1', verdict, attempt, processor, at, in_epoch, reason) ..
    (identity or UNKNOWN)
end

local known_epoch = tonumber(ARGV[12])
if known_epoch and known_epoch ~= epoch then
  return redis.error_reply('PURGED ' .. decimal('%d', epoch))
end
local number, known_number = raise_number(tbl, ARGV[8])
if not number then return lost(known_number) end
local indexes = enter(tbl, incarnation, nonce, ARGV[4])
if not indexes then
  return { times(answer(FENCED, 0, NONE, 0, 0, 0), count), '', epoch, number }
end

local unknown_name = false
-- The whole batch is validated before the first write, because an error undoes no write.
if has_unnamed(processors, indexes) then
  return redis.error_reply('ERR malformed batch: no such processor')
end
-- `entries`: ids and the caller's claims in turns.
local ids, entries = cut(data, 'c16', count), cut(asked, 'c16c65', count)
if not known_epoch or indexes ~= sub(IN_ORDER, 1, #indexes) then
  for i = 1, count do
    local claim = entries[2 * i]
    entries[2 * i] = sub(claim, 1, 26) .. char(to_ledger(indexes, byte(processors, i))) ..
      sub(claim, 28, 39) .. pack_struct('>I4', epoch) .. sub(claim, 44)
  end
end

-- A command costs more than everything else about a payment. So the batch's claims are read by one
-- command and written by one.
local pending = count > 0 and call('HMGET', pending_key, unpack(ids))
local booked = booked_values(data, ids)

-- Answers a batch of which something is known already. Returns the ids and claims to write.
local function answer_each()
  -- `held`: what the batch has written so far, by id.
  local held, written, places = {}, {}, 0
  local function write(id, claim)
    held[id] = claim
    written[places + 1], written[places + 2] = id, claim
    places = places + 2
  end
  -- The caller's number of a processor, or 32 + its ledger index if the caller has no such name.
  local function out(index)
    local id = to_caller(indexes, index)
    if id >= 32 then unknown_name = true end
    return id
  end
  local function on_the_books(value, claim)
    local kind, processor, at = unpack_struct('>I1I1I6', value)
    if sub(value, 9) ~= sub(claim, 34, 39) then
      return answer(CONFLICT, 0, kind < 2 and out(processor) or NONE, 0, 0, 1)
    end
    if kind >= 2 then return answer(REJECTED, 0, NONE, 0, 0, kind - 2) end
    return answer(BOOKED, 0, out(processor), at, 0, 0)
  end

  -- The number of a claim's owner, and what is known of the owner. Each owner is looked up once.
  local lives = {}
  local function life_of(owner)
    local life = lives[owner]
    if not life then
      local known = tonumber(call('HGET', prefix .. 'numbers', owner))
      life = { math.abs(known or 0), not known and NO_NUMBER or known < 0 and GONE or NUMBER }
      lives[owner] = life
    end
    return life[1], life[2]
  end
  local function pack_number(value)
    return pack_struct('>I4I4', math.floor(value / 2 ^ 32), value % 2 ^ 32)
  end
  local function elsewhere(known)
    local attempt, processor, at, _, in_epoch = unpack_struct('>I2I1I6I6I4', known, 25)
    local owner = sub(known, 1, 16)
    local number, life = life_of(owner)
    return answer(ELSEWHERE, attempt, out(processor), at, in_epoch, life, sub(known, 52, 59)) ..
      owner .. pack_number(number) .. sub(known, 17, 24)
  end
  -- True if this is still the claim that the caller saw, and its owner is still silent (its number
  -- has not moved). The number is not compared for the caller's own table, whose slots it knows
  -- itself.
  local function may_take_over(known, i)
    if take_overs == '' then return false end
    local at = (i - 1) * TAKE_OVER
    local owner = sub(known, 1, 16)
    return owner .. sub(known, 25, 26) == sub(take_overs, at + 1, at + 18)
      and (owner == tbl or pack_number((life_of(owner))) == sub(take_overs, at + 19, at + 26))
  end

  -- The id has a claim already. Nil: it is the caller's exactly as it was claimed.
  local function held_already(known, i)
    local id, claim = ids[i], entries[2 * i]
    local attempt, _, _, cents = unpack_struct('>I2I1I6I6', claim, 25)
    local held_attempt, held_processor, held_at, held_cents, held_epoch =
      unpack_struct('>I2I1I6I6I4', known, 25)
    local owner = sub(claim, 1, 24)
    local inherited = false
    if sub(known, 1, 24) ~= owner then
      inherited = held_cents == cents and is_inherited(known, owner, predecessors)
    end
    if sub(known, 1, 24) ~= owner and not inherited then
      if held_cents ~= cents then return answer(CONFLICT, 0, NONE, 0, 0, 0) end
      if not may_take_over(known, i) then return elsewhere(known) end
      inherited = true
    end
    if attempt > held_attempt and not inherited then
      write(id, claim)
      return nil
    end
    local verdict = (attempt == held_attempt or inherited) and YOURS or STALE
    local others = inherited or sub(known, 44, 51) ~= incarnation
    if others then
      -- Taken over from another opening of the table or another owner, so it gets a higher attempt
      -- number: an opening that takes the old attempt for refused cannot go past it.
      held_attempt = math.min(math.max(held_attempt, attempt) + 1, ATTEMPT_MAX)
      write(id, owner .. pack_struct('>I2I1I6I6I4', held_attempt, held_processor, held_at,
        held_cents, held_epoch) .. incarnation .. sub(known, 52))
    end
    return answer(verdict, held_attempt, out(held_processor), held_at, held_epoch,
      verdict == YOURS and others and 1 or 0, sub(known, 52, 59))
  end

  for i = 1, count do
    local id, claim = ids[i], entries[2 * i]
    local value, known = booked[i], held[id] or pending[i]
    if value then
      replies[i] = on_the_books(value, claim)
    elseif known then
      replies[i] = held_already(known, i)
    else
      write(id, claim)
    end
  end
  return written
end

-- If nothing is known of any payment and no id comes twice, the entries are written as they came.
local usual = ARGV[10] == '1' and next(booked) == nil
for i = 1, usual and count or 0 do
  if pending[i] then
    usual = false
    break
  end
end
local written = usual and entries or answer_each()
if #written > 0 then call('HSET', pending_key, unpack(written)) end
return { all_answers(replies, count, AS_ASKED), unknown_name and all_names() or '', epoch, number }
