#!lua flags=allow-oom
--!prelude
-- The greeting of a table, at each connection and twice a second. It asks whose books these are and
-- whether they have lost something. Other instances see by it that the table's owner is alive.
-- ARGV: table uuid, incarnation, nonce, names (as for claim), the highest number confirmed, the id
-- of the table's books (empty: none yet), an id for books that have none (empty: not yet), a note
-- ('lossy', 'gone' or empty), the present server and its run, '1' if a loss is taken for a purge.
-- Returns {verdict, number, id, lossy, back, born, before, epoch}: back is 1 if the id was put
-- back; born is the server on which the books began; before is the number that the books knew.
local OK, LOST, FENCED, OTHERS, NEW, STRANGER, OLD = 0, 1, 2, 3, 4, 5, 6

local tbl, incarnation, nonce, confirmed = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[5])
local told_to, fresh, note, server = ARGV[6], ARGV[7], ARGV[8], ARGV[9]
if #tbl ~= 16 or #incarnation ~= 8 or #nonce ~= 8 or not confirmed or #told_to % 16 ~= 0
  or #fresh % 16 ~= 0 then
  return redis.error_reply('ERR malformed greeting')
end
local books, numbers, lossy_key = prefix .. 'books', prefix .. 'numbers', prefix .. 'lossy'
local id, back, before = call('GET', books), 0, 0
local function answer(verdict, number)
  local lossy = call('EXISTS', lossy_key)
  local born = call('GET', prefix .. 'born') or ''
  return { verdict, string.format('%.0f', number), id or '', lossy, back, born,
    string.format('%.0f', before), epoch }
end

if id and told_to ~= '' and id ~= told_to then return answer(OTHERS, 0) end
-- Version 0.1 kept its claims and shelves under other keys, which no script here reads.
local owners = prefix .. 'owners'
if not id and (call('TYPE', owners).ok == 'hash' or call('EXISTS', prefix .. 'pending') == 1) then
  return answer(OLD, 0)
end
if not id then
  local empty = call('EXISTS', prefix .. 'tables', pending_key, prefix .. 'epoch') == 0
  if told_to ~= '' then
    -- The id is put back if nothing is left, or if what is left knows this table.
    if not empty and call('HEXISTS', prefix .. 'tables', tbl) == 0 then
      return answer(STRANGER, 0)
    end
    id, back = told_to, 1
  else
    if fresh == '' then return answer(NEW, empty and 1 or 0) end
    id = fresh
  end
end

-- All reads come before the first write.
before = math.abs(tonumber(call('HGET', numbers, tbl) or '0'))
local now = call('TIME')[1]
local owner = call('HGET', prefix .. 'tables', tbl)
if owner and (is_newer(sub(owner, 1, 8), incarnation)
  or (sub(owner, 1, 8) == incarnation and sub(owner, 9, 16) ~= nonce)) then
  return answer(FENCED, before)
end
local function era(number) return math.floor(number / ERA) end
-- The first number of an era means that the table knows of the loss before it.
local acknowledged = era(before) < era(confirmed) and confirmed % ERA == 0
if back == 1 then
  -- What no table holds any more is lost. This call notes it, because no later call can see it.
  call('SET', books, id)
  if ARGV[10] ~= '1' then call('SET', lossy_key, now) end
elseif not call('GET', books) then
  -- A script of version 0.1 fails on this value before its first write.
  call('MSET', prefix .. 'born', server, owners, 'moved', books, id)
end
if before < confirmed and not acknowledged then return answer(LOST, before) end

if note == 'lossy' then call('SET', lossy_key, now) end
enter(tbl, incarnation, nonce, ARGV[4])
local number = math.max(before, confirmed) + 1
if note == 'gone' then
  -- It has ended cleanly, and no other table has its claims: a client's repeat need not wait.
  call('HSET', numbers, tbl, string.format('-%.0f', number))
else
  call('HSET', numbers, tbl, string.format('%.0f', number))
end
call('HSET', prefix .. 'seen', tbl, now)
return answer(OK, number)
