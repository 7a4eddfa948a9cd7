-- The records of some users, without their indexes; false for a user that is not known.
--   KEYS[1] prefix of the app, KEYS[2] the lineage; ARGV[1] the 16-byte ids, one after the other, ARGV[2] the last mark seen
-- Returns the records and the newest mark.
local base, ids, records = KEYS[1], ARGV[1], {}
for at = 1, #ids, 16 do
  local stored = redis.call('HGET', base .. 'b:' .. ids:sub(at, at + 1), ids:sub(at + 2, at + 15))
  if stored == '' then stored = redis.call('GET', base .. 'r:' .. ids:sub(at, at + 15)) end
  records[#records + 1] = stored and stored:sub(5)
end
records[#records + 1] = lineage(KEYS[2], ARGV[2], '')
return records
