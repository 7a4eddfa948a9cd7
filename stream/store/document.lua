-- A small document is replaced if it is still the one that was read; an absent one is empty.
--   KEYS[1] the document; ARGV[1] what it is thought to be, ARGV[2] what it shall be; empty: no document
-- Returns 1 if it was replaced, 0 if it is another by now.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2]) end
return 1
