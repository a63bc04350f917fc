#!lua flags=allow-oom
-- Operators accept that the books have lost payments: summaries are answered again. Returns since
-- when (seconds since 1970) they were not answered, or '0'.
local since = redis.call('GET', KEYS[1] .. 'lossy')
if since then redis.call('DEL', KEYS[1] .. 'lossy') end
return since or '0'
