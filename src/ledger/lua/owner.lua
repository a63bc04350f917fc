#!lua flags=no-writes
-- What the books know of a table: whether it has ever called, and its number (negative: it has said
-- that it is gone). If a number stays the same for long, no process works with the table.
-- ARGV: table uuid. Returns {known, number}.
local known = redis.call('HEXISTS', KEYS[1] .. 'tables', ARGV[1])
return { known, redis.call('HGET', KEYS[1] .. 'numbers', ARGV[1]) or '0' }
