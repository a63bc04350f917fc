#!lua flags=allow-oom
-- This instance leaves: compare-and-delete. ARGV: token. Returns 1 if the lease was ours.
redis.call('ZREM', KEYS[1] .. 'live', ARGV[1])
if redis.call('GET', KEYS[1] .. 'lease') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1] .. 'lease')
