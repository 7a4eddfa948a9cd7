-- Some counters of an app in one state, in one answer: a pipeline of as many commands costs the client more than the server.
--   KEYS[1] prefix of the app; ARGV names of counters
-- Returns the version, then field, number, ... of each counter.
local answer = {redis.call('HGET', KEYS[1] .. 'n', 'version')}
for at, name in ipairs(ARGV) do answer[at + 1] = redis.call('HGETALL', KEYS[1] .. 'c:' .. name) end
return answer
