-- Move the position of one topic-partition, and the totals with it, if it is where the caller thinks it is.
-- Moves nothing in a state that has fallen back behind what the caller has seen.
--   KEYS[1] positions, KEYS[2] totals, KEYS[3] the lease, KEYS[4] the lineage
--   ARGV: field, expected ('' for none), new position, the last mark seen, then name and amount of each total
-- Returns the position as it is afterwards, 'paused' or 'back'.
if redis.call('EXISTS', KEYS[3]) == 1 then return 'paused' end
if lineage(KEYS[4], ARGV[4], '') == 'back' then return 'back' end
local stored = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if stored ~= ARGV[2] then return stored end
redis.call('HLEN', KEYS[2])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
for at = 5, #ARGV, 2 do redis.call('HINCRBY', KEYS[2], ARGV[at], ARGV[at + 1]) end
return ARGV[3]
