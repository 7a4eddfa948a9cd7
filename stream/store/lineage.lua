-- Stands before every script. A shard keeps the marks of its latest calls, "number:who", in a ring; a client sends the last mark it has
-- seen. A state that never had this mark has fallen back (restart without its last writes, failover, restore, flush).
--   key: hash with `calls` and the ring; seen: '' or the client's last mark; who: '' to read only, else what makes the new mark unique
-- Returns the newest mark ('' where there is none), or 'back'.
local LINEAGE_CALLS = 1024
local function lineage(key, seen, who)
  local number = tonumber(string.match(seen, '^%d+'))
  if number then
    local stored = redis.call('HGET', key, number % LINEAGE_CALLS)
    local at = stored and tonumber(string.match(stored, '^%d+'))
    if stored ~= seen and not (at and at > number) then return 'back' end
  end
  if who == '' then
    local calls = redis.call('HGET', key, 'calls')
    return calls and redis.call('HGET', key, calls % LINEAGE_CALLS) or ''
  end
  local calls = redis.call('HINCRBY', key, 'calls', 1)
  local mark = string.format('%.0f:%s', calls, who)
  redis.call('HSET', key, calls % LINEAGE_CALLS, mark)
  return mark
end
