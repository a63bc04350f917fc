#!lua flags=no-writes
-- A page of the claims whose owners have been silent for long, counted by owner. It goes by this
-- server's clock alone, so it is for people. A take-over goes by what the gateway itself has seen.
-- ARGV: HSCAN's cursor, about how many claims, seconds of silence.
-- Returns {next cursor, then for each owner: table uuid, its claims in this page, seconds since its
-- last greeting (-1: it never greeted), whether it has said that it is gone}.
local prefix, call = KEYS[1], redis.call
local page = call('HSCAN', prefix .. 'claims', ARGV[1], 'COUNT', ARGV[2])
local now, limit = tonumber(call('TIME')[1]), tonumber(ARGV[3])
local claims, owners = {}, {}
for i = 2, #page[2], 2 do
  local owner = string.sub(page[2][i], 1, 16)
  if not claims[owner] then owners[#owners + 1] = owner end
  claims[owner] = (claims[owner] or 0) + 1
end
local result = { page[1] }
for _, owner in ipairs(owners) do
  local number = call('HGET', prefix .. 'numbers', owner)
  local seen = tonumber(call('HGET', prefix .. 'seen', owner))
  local silent = number and seen and math.max(now - seen, 0) or -1
  local gone = number and string.sub(number, 1, 1) == '-'
  if gone or silent < 0 or silent >= limit then
    result[#result + 1], result[#result + 2] = owner, claims[owner]
    result[#result + 1], result[#result + 2] = silent, gone and 1 or 0
  end
end
return result
