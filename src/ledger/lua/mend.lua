#!lua flags=allow-oom
--!prelude
-- Corrects sums that disagree with the payments on the shelves, if the books are still what was
-- compared; else it changes nothing. A payment that is recorded between the comparison and this
-- call changes the sum of its millisecond. A new epoch, a new shelf or another mend changes its
-- number. (Records only raise sums. But a mend may lower one, and a record may raise it to the same
-- value again: so mends are counted.)
-- ARGV: epoch, number of the present shelf, how often sums were mended, the processor's name, the
-- first and the last millisecond that were compared, level and number of a node, then cells: a
-- millisecond, its count and cents as compared, and its new count and cents.
-- Without cells the node is rebuilt from its children. With cells, all of them in the node, which
-- is of level 2, those milliseconds are set, and the nodes above them are rebuilt.
-- Returns {1, or 0 if the books are not what was compared; how often sums were mended}.
local CELL, CELLS_AT = 5, 9
local KEYS_MAX, CELLS_MAX = 4, 256 -- keys of 64 milliseconds in one call
local sums, mends_key = prefix .. 's:' .. epoch .. ':', prefix .. 'mends'
local first_ms, last_ms = tonumber(ARGV[5]), tonumber(ARGV[6])
local level, node = tonumber(ARGV[7]), tonumber(ARGV[8])
local cells = (#ARGV - CELLS_AT + 1) / CELL
if not first_ms or not last_ms or not level or not node or level < 1 or level > 5 or cells % 1 ~= 0
  or cells > CELLS_MAX or (cells > 0 and level ~= 2) then
  return redis.error_reply('ERR malformed mend')
end
local mends = call('GET', mends_key) or '0'
local index = call('HGET', prefix .. 'names', ARGV[4])
if ARGV[1] ~= decimal('%d', epoch) or tonumber(ARGV[2]) ~= (shelves and shelves.number or 0)
  or ARGV[3] ~= mends or not index then
  return { 0, mends }
end
local processor = char(tonumber(index))
local of_count, of_cents = 'c' .. processor, 'a' .. processor

-- A number that may be too large to be exact: {billions, the rest}.
local UNIT = 1e9
local function normal(high, low)
  local carry = math.floor(low / UNIT)
  return { high + carry, low - carry * UNIT }
end
local function number_of(text)
  if not text then return { 0, 0 } end
  if byte(text) == 45 then
    local high, low = tonumber(sub(text, 2, -10)) or 0, tonumber(sub(text, math.max(2, #text - 8)))
    return normal(-high, -(low or 0))
  end
  return { tonumber(sub(text, 1, -10)) or 0, tonumber(sub(text, -9)) or 0 }
end
local function plus(a, b) return normal(a[1] + b[1], a[2] + b[2]) end
local function is_more(a, b) return a[1] > b[1] or (a[1] == b[1] and a[2] > b[2]) end
local function text_of(number)
  local sign = ''
  if number[1] < 0 then sign, number = '-', normal(-number[1], -number[2]) end
  if number[1] == 0 then return sign .. decimal('%d', number[2]) end
  return sign .. decimal('%d%09d', number[1], number[2])
end

local function place_of_node(at_level, number)
  if at_level == 5 then return sums .. '5', pack_struct('>I2', number) end
  local key = math.floor(number / 64)
  return sums .. at_level .. ':' .. decimal('%d', key), char(number - key * 64)
end

-- The new values: by level and number, {count, cents}; and by key, the fields and their values.
local changed, by_key = { [0] = {}, {}, {}, {}, {}, {} }, {}
local function change(at_level, number, sum)
  changed[at_level][number] = sum
  local key, place = place_of_node(at_level, number)
  local write = by_key[key] or { 'HSET', key }
  by_key[key] = write
  write[#write + 1], write[#write + 2] = of_count .. place, text_of(sum[1])
  write[#write + 1], write[#write + 2] = of_cents .. place, text_of(sum[2])
end
local function figures_at(at_level, number)
  local key, place = place_of_node(at_level, number)
  local read = call('HMGET', key, of_count .. place, of_cents .. place)
  return { number_of(read[1]), number_of(read[2]) }
end

-- Rebuilds a node as the sum of its children. A node that is partly outside what was compared and
-- had more than its children is not lowered: it may be right, and a child that was not compared may
-- be wrong.
local CHILDREN = {}
for i = 0, 63 do
  CHILDREN[2 * i + 1], CHILDREN[2 * i + 2] = of_count .. char(i), of_cents .. char(i)
end
local function make_again(at_level, number)
  local key = sums .. (at_level - 1) .. ':' .. decimal('%d', number)
  local read = call('HMGET', key, unpack(CHILDREN))
  local before, after = { { 0, 0 }, { 0, 0 } }, { { 0, 0 }, { 0, 0 } }
  for i = 0, 63 do
    local will_be = changed[at_level - 1][number * 64 + i]
    for figure = 1, 2 do
      local text = read[2 * i + figure]
      local is = text and number_of(text)
      if is then before[figure] = plus(before[figure], is) end
      local added = will_be and will_be[figure] or is
      if added then after[figure] = plus(after[figure], added) end
    end
  end
  local own, differs = figures_at(at_level, number), false
  local width = 64 ^ at_level
  local whole = number * width >= first_ms and (number + 1) * width - 1 <= last_ms
  for figure = 1, 2 do
    if not whole and is_more(own[figure], before[figure])
      and is_more(own[figure], after[figure]) then
      after[figure] = own[figure]
    end
    differs = differs or is_more(own[figure], after[figure]) or is_more(after[figure], own[figure])
  end
  if differs then change(at_level, number, after) end
end

-- The recent payments of this processor, by millisecond. Those of a cell become a part of it.
local recent, of_cell, rest = call('GET', sums .. 'recent') or '', {}, {}
for position = 1, #recent, 13 do
  local whose, at, cents = unpack_struct('>I1I6I6', recent, position)
  if char(whose) == processor then
    local sum = of_cell[at] or { { 0, 0 }, { 0, 0 } }
    of_cell[at] = { plus(sum[1], { 0, 1 }), plus(sum[2], number_of(decimal('%d', cents))) }
  end
end
local keys, touched = {}, 0
for i = CELLS_AT, #ARGV, CELL do
  local at = tonumber(ARGV[i])
  if not at or math.floor(at / 4096) ~= node then return redis.error_reply('ERR malformed cell') end
  local is, listed = figures_at(0, at), of_cell[at]
  if listed then is = { plus(is[1], listed[1]), plus(is[2], listed[2]) } end
  if text_of(is[1]) ~= ARGV[i + 1] or text_of(is[2]) ~= ARGV[i + 2] then return { 0, mends } end
  change(0, at, { number_of(ARGV[i + 3]), number_of(ARGV[i + 4]) })
  local key = math.floor(at / 64)
  if not keys[key] then keys[key], touched = true, touched + 1 end
end
if touched > KEYS_MAX then return redis.error_reply('ERR too many cells') end
for key in pairs(keys) do make_again(1, key) end
while level <= 5 do
  make_again(level, node)
  level, node = level + 1, math.floor(node / 64)
end

local writes = {}
for _, write in pairs(by_key) do writes[#writes + 1] = write end
for position = 1, #recent, 13 do
  local whose, at = unpack_struct('>I1I6', recent, position)
  if char(whose) ~= processor or not changed[0][at] then
    rest[#rest + 1] = sub(recent, position, position + 12)
  end
end
local left = table.concat(rest)
if left == '' and recent ~= '' then writes[#writes + 1] = { 'DEL', sums .. 'recent' } end
if left ~= '' and left ~= recent then writes[#writes + 1] = { 'SET', sums .. 'recent', left } end
if #writes > 0 then
  mends = decimal('%d', tonumber(mends) + 1)
  writes[#writes + 1] = { 'SET', mends_key, mends }
end
commit(writes)
return { 1, mends }
