#!lua flags=allow-oom
--!prelude
-- One small step of removing the keys of earlier epochs and forgotten shelves.
-- ARGV: SCAN cursor, keys per step. Returns {next cursor, keys unlinked}.
local page = call('SCAN', ARGV[1], 'MATCH', prefix .. '[bdks]:*', 'COUNT', ARGV[2])
local removed = 0
for _, key in ipairs(page[2]) do
  local kind, of_epoch, number = string.match(key, '^([bdks]):(%d+):(%d*)', #prefix + 1)
  of_epoch, number = tonumber(of_epoch), tonumber(number)
  local past = of_epoch and (of_epoch < epoch
    or kind == 'k' and number and shelves and number < shelves.number - 1)
  if past then removed = removed + call('UNLINK', key) end
end
return { page[1], removed }
