-- Move the position of one topic-partition, and the totals with it, if it is where the caller thinks it is.
--   KEYS[1] positions, KEYS[2] totals, KEYS[3] the lease
--   ARGV: field, expected ('' for none), new position, then name and amount of each total
-- Returns the position as it is afterwards, or 'paused'.
if redis.call('EXISTS', KEYS[3]) == 1 then return 'paused' end
local stored = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if stored ~= ARGV[2] then return stored end
redis.call('HLEN', KEYS[2])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
for at = 4, #ARGV, 2 do redis.call('HINCRBY', KEYS[2], ARGV[at], ARGV[at + 1]) end
return ARGV[3]
