#!lua flags=allow-oom
--!prelude
-- Empties the books in one step: everything counted is of the epoch before. When that was is kept
-- for reconciling; that the books lacked payments is settled by it. ARGV: the id of the books that
-- are meant (empty: whatever is here). Returns the epoch that begins.
if ARGV[1] ~= '' and call('GET', prefix .. 'books') ~= ARGV[1] then
  return redis.error_reply('OTHERBOOKS these are not the books of the caller')
end
local now = call('TIME')
local now_ms = tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)
call('MSET', prefix .. 'purged', decimal('%.0f', now_ms), prefix .. 'epoch', decimal('%d', epoch + 1))
-- Where this fails, the purge has happened and summaries wait for another, or for people.
call('DEL', prefix .. 'lossy')
return epoch + 1
