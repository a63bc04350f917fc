#!lua flags=allow-oom
--!prelude
-- Empties the books in one step: what was counted belongs to the epoch before. The time of the
-- purge is kept for reconcile. After a purge the books are not lossy any more. ARGV: the id of the
-- expected books (empty: any). Returns the epoch that begins.
if ARGV[1] ~= '' and call('GET', prefix .. 'books') ~= ARGV[1] then
  return redis.error_reply('OTHERBOOKS these are not the books of the caller')
end
local now = call('TIME')
local now_ms = tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)
call('MSET', prefix .. 'purged', decimal('%.0f', now_ms), prefix .. 'epoch', decimal('%d', epoch + 1))
-- If this fails, the purge has happened, and summaries wait for another purge or an operator.
call('DEL', prefix .. 'lossy')
return epoch + 1
