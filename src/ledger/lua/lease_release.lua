#!lua flags=allow-oom
-- Compare-and-delete. ARGV: token. Returns 1 if the lease was ours.
if redis.call('GET', KEYS[1] .. 'lease') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1] .. 'lease')
