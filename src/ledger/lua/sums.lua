#!lua flags=allow-oom
--!prelude
-- A page of the tree of sums, for reconcile: a small step, so that Redis is not delayed. A family
-- is the 64 nodes of one key, and the node above, which is their sum. All of a page is read at one
-- moment.
-- ARGV: for each family the level of its key and the key's number.
-- Returns {epoch, number of the present shelf, memory_began() in ms (empty: nothing was ever
-- forgotten), how often sums were mended, the recent payments (record.lua), names, then for each
-- family the fields of its key, and the count and the cents of the node above for each name in
-- order}.
-- It returns as many families as fit in a page, at least one.
local FIELDS_MAX = 2000
local sums = prefix .. 's:' .. epoch .. ':'
local began, names = memory_began(), call('HGETALL', prefix .. 'names')
local result = { epoch, shelves and shelves.number or 0,
  began and decimal('%.0f', began * 1000) or '',
  call('GET', prefix .. 'mends') or '0', call('GET', sums .. 'recent') or '', names }

local function family(level, number)
  local key, index = sums .. '5'
  if level == 4 then
    index = pack_struct('>I2', number)
  else
    local parent = math.floor(number / 64)
    key = sums .. (level + 1) .. ':' .. decimal('%d', parent)
    index = char(number - parent * 64)
  end
  local fields = {}
  for i = 2, #names, 2 do
    local processor = char(tonumber(names[i]))
    fields[i - 1], fields[i] = 'c' .. processor .. index, 'a' .. processor .. index
  end
  return call('HGETALL', sums .. level .. ':' .. decimal('%d', number)),
    #fields > 0 and call('HMGET', key, unpack(fields)) or {}
end

local told = 0
for i = 1, #ARGV, 2 do
  if told >= FIELDS_MAX then break end
  local level, number = tonumber(ARGV[i]), tonumber(ARGV[i + 1] or '')
  if not level or not number or level < 0 or level > 4 or number < 0 then
    return redis.error_reply('ERR malformed family')
  end
  local children, above = family(level, number)
  result[#result + 1], result[#result + 2] = children, above
  told = told + #children / 2 + #above
end
return result
