#!lua flags=no-writes
-- The nodes of the tree of sums that make up a range (record.lua has the tree's shape).
-- ARGV: for each key its end, behind "s:{epoch}:", such as "2:6695313".
-- Returns {names, HGETALL of the first key, of the second, ...}.
local prefix = KEYS[1]
local epoch = redis.call('GET', prefix .. 'epoch') or '0'
local result = { redis.call('HGETALL', prefix .. 'names') }
for i = 1, #ARGV do
  result[#result + 1] = redis.call('HGETALL', prefix .. 's:' .. epoch .. ':' .. ARGV[i])
end
return result
