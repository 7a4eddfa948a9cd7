-- The revisions of an app: what changed of complete cells since it was last told, and the cells as they stand.
--   KEYS[1] prefix of the app; ARGV: cells to be given in any case, "counter|field" each
-- The outbox `o` becomes `t`, which stays until it is let go; what changes meanwhile gathers in a new outbox.
-- Returns {reason|counter|field, change, ...} of what was taken, and the cells' numbers without what is in the new outbox.
local base, call = KEYS[1], redis.call
if call('EXISTS', base .. 't') == 0 and call('EXISTS', base .. 'o') == 1 then call('RENAME', base .. 'o', base .. 't') end
local changes, later = call('HGETALL', base .. 't'), {}
local waiting = call('HGETALL', base .. 'o')
for at = 1, #waiting, 2 do
  local cell = waiting[at]:match('|(.*)$')
  later[cell] = (later[cell] or 0) + tonumber(waiting[at + 1])
end
local cells = {}
for at, cell in ipairs(ARGV) do
  local counter, field = cell:match('^(.*)|(.-)$')
  cells[at] = tonumber(call('HGET', base .. 'c:' .. counter, field) or 0) - (later[cell] or 0)
end
return {changes, cells}
